/** Makes one file of the API for AWS Lambda: pure JavaScript, so that the function is a small ZIP without packages. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

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
    // Temporal's client is CommonJS and asks for Node's own modules.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
}
