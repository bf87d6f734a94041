/** The files of the console: from the build in a published package, bundled from source in development. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);
/** 11 is 3 % smaller and takes ten times as long. */
const BROTLI_QUALITY = 9;

export interface ConsoleAssets {
  /** Returns the file at a URL path, such as `/` or `/console/app.js`. */
  get(path: string): ConsoleFile | undefined;
}

interface ConsoleFile {
  readonly body: string;
  readonly type: string;
  /** Changes with the content. */
  readonly version: string;
  /** The body in content codings, the smallest first. */
  readonly encoded: readonly { readonly coding: 'br' | 'gzip'; readonly body: Uint8Array }[];
}

/** Built files by URL path. */
const FILES = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8' },
  '/favicon.svg': { name: 'favicon.svg', type: 'image/svg+xml' },
  '/console/app.js': { name: 'app.js', type: 'text/javascript; charset=utf-8' },
  '/console/app.css': { name: 'app.css', type: 'text/css; charset=utf-8' },
} as const;

type BuiltFiles = Readonly<Record<(typeof FILES)[keyof typeof FILES]['name'], string>>;

/**
 * Reads the built console, or bundles it from source in about 0.2 s. Rejects when the source does not
 * compile.
 */
export async function loadConsoleAssets(): Promise<ConsoleAssets> {
  const built = (await readBuilt()) ?? (await bundleConsole());
  const files = Object.entries(FILES).map(
    async ([path, { name, type }]) => [path, await prepare(built[name], type)] as const,
  );
  const byPath = new Map(await Promise.all(files));
  return { get: (path) => byPath.get(path) };
}

/** Compresses a file once, at the start of the server. */
async function prepare(body: string, type: string): Promise<ConsoleFile> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  const [br, zipped] = await Promise.all([brotli(body, { params }), gzipped(body)]);
  return {
    body,
    type,
    version: createHash('sha256').update(body).digest('hex').slice(0, 32),
    encoded: [
      { coding: 'br', body: br },
      { coding: 'gzip', body: zipped },
    ],
  };
}

/**
 * Bundles the console from its source. The package build writes the files beside the compiled `assets.js`.
 */
export async function bundleConsole(): Promise<BuiltFiles> {
  const { build } = await import('esbuild');
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [
      { in: 'main.tsx', out: 'app' },
      { in: 'styles/app.css', out: 'app' },
    ],
    outdir: folder,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const output = (extension: string): string => {
    const file = outputFiles.find((candidate) => candidate.path.endsWith(extension));
    if (!file) throw new Error(`the bundle has no ${extension} file`);
    return file.text;
  };
  return {
    'index.html': await read('index.html'),
    'favicon.svg': await read('favicon.svg'),
    'app.js': output('.js'),
    'app.css': output('.css'),
  };
}

/** Returns undefined in a source tree: only a build writes `app.js` beside this module. */
async function readBuilt(): Promise<BuiltFiles | undefined> {
  try {
    const [html, icon, script, style] = await Promise.all([
      read('index.html'),
      read('favicon.svg'),
      read('app.js'),
      read('app.css'),
    ]);
    return { 'index.html': html, 'favicon.svg': icon, 'app.js': script, 'app.css': style };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function read(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), 'utf8');
}
