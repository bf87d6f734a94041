/** The files of the console: from the build in a published package, bundled from source in development. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export interface ConsoleAssets {
  /** Returns the file at a URL path, such as `/` or `/console/app.js`. */
  get(path: string): { body: Uint8Array | string; type: string } | undefined;
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
  const byPath = new Map(
    Object.entries(FILES).map(([path, file]) => [path, { body: built[file.name], type: file.type }]),
  );
  return { get: (path) => byPath.get(path) };
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
