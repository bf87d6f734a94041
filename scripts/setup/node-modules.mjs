/** The npm packages of package-lock.json. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLong, SetupError, say } from './commands.mjs';

const stampOf = (root) => join(root, 'node_modules', '.frameloom-lock');

function readOptional(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/**
 * Whether npm's own record of what it installed has every package of the lock file, so that a person who ran
 * `npm install` is not made to wait again. npm writes that record last: an interrupted installation has none.
 */
function npmInstalledIt(root) {
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

/** Whether node_modules is what package-lock.json says. */
export function nodeModulesAreCurrent(root) {
  const digest = lockDigest(root);
  if (readOptional(stampOf(root)) === digest) return true;
  if (!npmInstalledIt(root)) return false;
  writeFileSync(stampOf(root), digest);
  return true;
}

export async function installNodeModules(root, env) {
  say('node modules: installing with npm ci, about 30 s');
  const { ok, seconds, output } = await runLong(
    'node modules',
    'npm',
    ['ci', '--no-progress', '--loglevel=error'],
    {
      cwd: root,
      // The install script of onnxruntime-node fetches CUDA libraries and fails without them; the CPU ones are in the package.
      env: { ONNXRUNTIME_NODE_INSTALL: 'skip', ...env },
    },
  );
  if (!ok) {
    throw new SetupError(
      `npm ci failed.\n${output}\n\nCheck that the npm registry is reached (npm ping) and start again; nothing else is needed.`,
    );
  }
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stampOf(root), lockDigest(root));
  say(`node modules: installed in ${seconds} s`);
}
