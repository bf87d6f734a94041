/**
 * Finds external programs: by environment variable, in the record of the set-up
 * (scripts/setup/cache-folder.mjs), and on PATH.
 */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

const TOOLS = {
  ffmpeg: { variable: 'FFMPEG_PATH', names: ['ffmpeg'] },
  ffprobe: { variable: 'FFPROBE_PATH', names: ['ffprobe'] },
  temporal: { variable: 'TEMPORAL_CLI_PATH', names: ['temporal'] },
  chromium: {
    variable: 'CHROMIUM_PATH',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  },
  versitygw: { variable: 'VERSITYGW_PATH', names: ['versitygw'] },
  helm: { variable: 'HELM_PATH', names: ['helm'] },
  hadolint: { variable: 'HADOLINT_PATH', names: ['hadolint'] },
  'node-oldest': { variable: 'OLDEST_NODE_PATH', names: [] },
  'node-newest': { variable: 'NEWEST_NODE_PATH', names: [] },
} as const;

export type ToolName = keyof typeof TOOLS;

/** Returns the environment variable that sets the path of the tool. */
export function toolVariable(name: ToolName): string {
  return TOOLS[name].variable;
}

/**
 * Returns the path of a tool: from its environment variable, else as recorded by the set-up, else from
 * PATH. Undefined when it is not found. Does not run it.
 */
export function findTool(name: ToolName, env: Env): string | undefined {
  const { variable, names } = TOOLS[name];
  const given = env[variable];
  if (given) return given;
  const recorded = readToolRecord(env)[name]?.path;
  if (recorded !== undefined && isExecutable(recorded)) return recorded;
  return findOnPath(names, env);
}

/** Returns the first executable file with one of `names` on PATH. */
export function findOnPath(names: readonly string[], env: Env): string | undefined {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isExecutable);
}

/**
 * Returns the folder of downloaded tools and their record. scripts/setup/cache-folder.mjs has the same rule.
 */
export function toolCacheFolder(env: Env): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'frameloom');
  const home = env.HOME || homedir();
  return process.platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'frameloom')
    : join(home, '.cache', 'frameloom');
}

function readToolRecord(env: Env): Partial<Record<ToolName, { readonly path: string }>> {
  try {
    // Written by the set-up only; any other content fails to parse or names no executable.
    return JSON.parse(readFileSync(join(toolCacheFolder(env), 'tools.json'), 'utf8')) as Partial<
      Record<ToolName, { readonly path: string }>
    >;
  } catch {
    return {};
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
