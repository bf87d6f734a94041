/**
 * Compiles the package to dist/: JavaScript of all modules, declarations of the published entry points, the console's
 * files, the workflow bundle, and the bundle for AWS Lambda.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { register } from 'tsx/esm/api';
import { keepReachableDeclarations } from './lib/declarations.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
/** A build that fails leaves the previous dist/ as it was. */
const fresh = join(root, 'dist.tmp');
const started = Date.now();

rmSync(fresh, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', fresh],
  // The output of `npm pack --json` must stay readable: everything goes to stderr.
  { cwd: root, stdio: ['ignore', 2, 2] },
);
if (tsc.status !== 0) process.exit(1);

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.values(manifest.exports).filter((entry) => typeof entry === 'object');
const inDist = (path) => relative('dist', path);
for (const entry of entries) {
  if (!existsSync(join(fresh, inDist(entry.default))))
    throw new Error(`package.json exports ${entry.default}, which the build does not make.`);
}
keepReachableDeclarations(
  fresh,
  entries.map((entry) => inDist(entry.types)),
);

register();
const { bundleConsole } = await import(pathToFileURL(join(root, 'web', 'assets.ts')).href);
for (const [name, text] of Object.entries(await bundleConsole()))
  writeFileSync(join(fresh, 'web', name), text);

const { code } = await bundleWorkflowCode({
  workflowsPath: join(root, 'workflows', 'index.ts'),
  workflowInterceptorModules: [join(root, 'workflows', 'trace.ts')],
  logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error },
});
writeFileSync(join(fresh, 'workflow-bundle.js'), code);

const { bundleLambda } = await import(pathToFileURL(join(root, 'scripts', 'lib', 'lambda-bundle.ts')).href);
await bundleLambda(join(fresh, 'lambda'));

rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
console.error(`compiled to dist/ in ${((Date.now() - started) / 1000).toFixed(1)} s`);
