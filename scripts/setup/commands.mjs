/** Running other programs: argument arrays only, quiet unless they fail, and never silent for long. */
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Set-up that cannot go on. The message is all the user sees. */
export class SetupError extends Error {}

/** One line about what is going on, on stderr so that stdout stays the caller's. */
export function say(line) {
  process.stderr.write(`frameloom: ${line}\n`);
}

/** The first executable file called one of `names` on PATH, or undefined. */
export function onPath(names, env) {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      const path = join(folder, name);
      if (folder !== '' && isExecutable(path)) return path;
    }
  }
  return undefined;
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What `program` prints for its version, or undefined where it does not run. */
export function answer(program, args) {
  try {
    return execFileSync(program, args, { timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  } catch {
    return undefined;
  }
}

/**
 * Runs a long command: says that it still runs every 15 s and resolves with whether it succeeded. `output` holds
 * the beginning and the end of what it printed, for a failure. With `idle` it is ended when that function says that nothing happens any more.
 */
export function runLong(label, program, args, { env, cwd, timeoutSeconds, idle } = {}) {
  return new Promise((resolve) => {
    const started = Date.now();
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let head = '';
    let tail = '';
    const keep = (chunk) => {
      if (head.length < 2000) head += chunk;
      else tail = (tail + chunk).slice(-2000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const seconds = () => Math.round((Date.now() - started) / 1000);
    const tick = setInterval(() => say(`${label}: still at it after ${seconds()} s`), 15_000);
    const watch = setInterval(() => {
      if (seconds() > timeoutSeconds || idle?.(seconds())) child.kill('SIGKILL');
    }, 1000);
    const end = (ok) => {
      clearInterval(tick);
      clearInterval(watch);
      resolve({ ok, seconds: seconds(), output: (tail === '' ? head : `${head}\n…\n${tail}`).trim() });
    };
    child.on('error', (error) => {
      keep(error.message);
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}

/** Whether system packages can be installed here: root on a machine with apt. */
export function hasApt(env) {
  return process.getuid?.() === 0 && onPath(['apt-get'], env) !== undefined;
}

/** Installs a Debian package, refreshing the package lists only where the first try needs it. */
export async function aptInstall(name, estimate, env) {
  say(`${name}: installing the system package with apt-get, ${estimate}`);
  const aptEnv = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    runLong(name, 'apt-get', ['install', '-y', '-q', '--no-install-recommends', name], { env: aptEnv });
  const first = await install();
  if (first.ok) return true;
  await runLong('package lists', 'apt-get', ['update', '-q'], { env: aptEnv });
  const second = await install();
  if (!second.ok) say(`apt-get could not install ${name}:\n${second.output}`);
  return second.ok;
}
