/** Bundles the API for AWS Lambda into one file of pure JavaScript: the function is a small ZIP without node_modules. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Writes `api.mjs` into `folder`. */
export async function bundleLambda(folder: string): Promise<void> {
  await build({
    entryPoints: [join(root, 'deploy', 'lambda', 'api.ts')],
    outfile: join(folder, 'api.mjs'),
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    // Temporal's client is CommonJS and requires Node's own modules.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
}
