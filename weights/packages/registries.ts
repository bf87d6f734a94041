/**
 * Package registries as the configuration of pip and npm names them. Closed networks often mirror registries
 * only, so the mirrors of these tools are used.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { WeightsError } from '../errors.ts';

/** Base URL of a registry, with the value of the `authorization` header if it needs one. */
export interface Registry {
  readonly url: URL;
  readonly authorization: string | undefined;
}

export interface Registries {
  readonly pypi: Registry;
  readonly npm: Registry;
}

/** Where pip and npm read their configuration. */
export interface RegistryEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

const DEFAULT_INDEX = 'https://pypi.org/simple/';
const DEFAULT_NPM_REGISTRY = 'https://registry.npmjs.org/';

/**
 * Reads `index-url` of pip (`PIP_INDEX_URL`, `pip.conf`) and `registry` of npm (`npm_config_registry`,
 * `.npmrc`) with their credentials. Files that cannot be read count as absent.
 *
 * @throws WeightsError `rejected` if a configured registry is not an http or https URL.
 */
export async function readRegistries({ env, home }: RegistryEnvironment): Promise<Registries> {
  const [pipFiles, npmFiles] = await Promise.all([
    readAll(pipConfigFiles(env, home)),
    readAll(npmConfigFiles(env, home)),
  ]);
  const index =
    env.PIP_INDEX_URL ??
    pipFiles.map((text) => parsePipConfig(text)).find((url) => url !== undefined) ??
    DEFAULT_INDEX;
  const npmValues = Object.assign({}, ...npmFiles.map((text) => parseNpmrc(text, env)).reverse());
  const registry =
    env.npm_config_registry ?? env.NPM_CONFIG_REGISTRY ?? npmValues.registry ?? DEFAULT_NPM_REGISTRY;
  const npm = parseRegistry(registry, 'The registry of npm');
  return {
    pypi: parseRegistry(index, 'The index of pip'),
    npm: { ...npm, authorization: npm.authorization ?? npmAuthorization(npm.url, npmValues) },
  };
}

/** In order of precedence. Source: pip's documentation, "Configuration files". */
function pipConfigFiles(env: RegistryEnvironment['env'], home: string): readonly string[] {
  if (env.PIP_CONFIG_FILE === '/dev/null') return [];
  return [
    ...(env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []),
    ...(env.VIRTUAL_ENV ? [join(env.VIRTUAL_ENV, 'pip.conf')] : []),
    join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'pip', 'pip.conf'),
    join(home, '.pip', 'pip.conf'),
    join(home, 'Library', 'Application Support', 'pip', 'pip.conf'),
    '/etc/pip.conf',
    '/etc/xdg/pip/pip.conf',
  ];
}

/** In order of precedence. Source: npm's documentation, "npmrc". */
function npmConfigFiles(env: RegistryEnvironment['env'], home: string): readonly string[] {
  return [
    resolve('.npmrc'),
    env.NPM_CONFIG_USERCONFIG ?? env.npm_config_userconfig ?? join(home, '.npmrc'),
    ...(env.NPM_CONFIG_GLOBALCONFIG ? [env.NPM_CONFIG_GLOBALCONFIG] : []),
    resolve(process.execPath, '..', '..', 'etc', 'npmrc'),
  ];
}

async function readAll(paths: readonly string[]): Promise<readonly string[]> {
  return Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')));
}

/** Returns `index-url`; that of the sections `download` and `install` takes precedence, as in pip. */
function parsePipConfig(text: string): string | undefined {
  const found = new Map<string, string>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[([^\]]+)\]/.exec(line);
    if (header) section = header[1]?.trim() ?? '';
    const value = /^index[-_]url\s*[=:]\s*(\S+)/.exec(line)?.[1];
    if (value !== undefined) found.set(section, value);
  }
  return found.get('download') ?? found.get('install') ?? found.get('global');
}

/** Returns the values of an `.npmrc`, with `${NAME}` replaced by environment variables. */
function parseNpmrc(text: string, env: RegistryEnvironment['env']): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    values[key] = value
      .replace(/^(["'])(.*)\1$/, '$2')
      .replace(/\$\{(\w+)\}/g, (whole, name: string) => env[name] ?? whole);
  }
  return values;
}

/** Returns the credentials of the longest configured prefix of `url`, as npm does. */
function npmAuthorization(url: URL, values: Readonly<Record<string, string>>): string | undefined {
  let prefix = `//${url.host}${url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`}`;
  for (;;) {
    const token = values[`${prefix}:_authToken`];
    if (token !== undefined) return `Bearer ${token}`;
    const basic = values[`${prefix}:_auth`];
    if (basic !== undefined) return `Basic ${basic}`;
    const shorter = prefix.replace(/[^/]+\/$/, '');
    if (shorter === prefix || shorter === '//') return undefined;
    prefix = shorter;
  }
}

/** Parses a URL and moves its credentials to a header, so that no message contains them. */
function parseRegistry(text: string, name: string): Registry {
  const url = URL.canParse(text) ? new URL(text.endsWith('/') ? text : `${text}/`) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new WeightsError('rejected', `${name} is not an http or https URL.`);
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  return {
    url,
    authorization:
      username === '' && password === ''
        ? undefined
        : `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
  };
}
