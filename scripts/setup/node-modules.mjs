/** Installs the npm packages of package-lock.json. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, runLong, SetupError } from './commands.mjs';

const stampPath = (root) => join(root, 'node_modules', '.frameloom-lock');

function readOptional(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/**
 * Whether npm's own record of installed packages has every package of the lock file, as after `npm install`. npm writes
 * that record last: an interrupted installation has none.
 */
function isInstalledByNpm(root) {
  const hidden = readOptional(join(root, 'node_modules', '.package-lock.json'));
  if (hidden === undefined) return false;
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const installed = JSON.parse(hidden).packages ?? {};
  return Object.entries(JSON.parse(lock).packages).every(
    ([name, wanted]) =>
      name === '' ||
      wanted.optional ||
      wanted.devOptional ||
      (installed[name]?.version === wanted.version && installed[name]?.integrity === wanted.integrity),
  );
}

function lockDigest(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Whether node_modules matches package-lock.json. */
export function nodeModulesAreCurrent(root) {
  const digest = lockDigest(root);
  if (readOptional(stampPath(root)) === digest) return true;
  if (!isInstalledByNpm(root)) return false;
  writeFileSync(stampPath(root), digest);
  return true;
}

export async function installNodeModules(root, env) {
  report('node modules: installing with npm ci, about 30 s');
  const { ok, seconds, output } = await runLong(
    'node modules',
    'npm',
    ['ci', '--no-progress', '--loglevel=error'],
    {
      cwd: root,
      // Without this, onnxruntime-node downloads CUDA libraries and fails offline. The package contains the CPU ones.
      env: { ONNXRUNTIME_NODE_INSTALL: 'skip', ...env },
    },
  );
  if (!ok) {
    throw new SetupError(
      `npm ci failed.\n${output}\n\nCheck that the npm registry is reachable (npm ping) and start again.`,
    );
  }
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stampPath(root), lockDigest(root));
  report(`node modules: installed in ${seconds} s`);
}
