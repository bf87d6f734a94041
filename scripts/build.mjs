/** Compiles the package to dist/: JavaScript of the rooms, the console's files, and the workflow bundle. */
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { register } from 'tsx/esm/api';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const aside = join(root, 'dist.tmp');
const started = Date.now();

rmSync(aside, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', aside],
  { cwd: root, stdio: 'inherit' },
);
if (tsc.status !== 0) process.exit(1);

register();
const { bundleConsole } = await import(pathToFileURL(join(root, 'web', 'assets.ts')).href);
for (const [name, text] of Object.entries(await bundleConsole()))
  writeFileSync(join(aside, 'web', name), text);

const { code } = await bundleWorkflowCode({
  workflowsPath: join(root, 'workflows', 'index.ts'),
  workflowInterceptorModules: [join(root, 'workflows', 'trace.ts')],
  logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error },
});
writeFileSync(join(aside, 'workflow-bundle.js'), code);

const { bundleLambda } = await import(pathToFileURL(join(root, 'scripts', 'lambda-bundle.ts')).href);
await bundleLambda(join(aside, 'lambda'));

rmSync(join(root, 'dist'), { recursive: true, force: true });
renameSync(aside, join(root, 'dist'));
console.log(`compiled to dist/ in ${((Date.now() - started) / 1000).toFixed(1)} s`);
