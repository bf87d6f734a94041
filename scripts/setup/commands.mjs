/** Runs other programs: with argument arrays only, and with their output shown only when they fail. */
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Set-up cannot continue. Only the message is shown to the user. */
export class SetupError extends Error {}

/** Prints one line of progress to stderr; stdout belongs to the command that runs after set-up. */
export function report(line) {
  process.stderr.write(`frameloom: ${line}\n`);
}

/** The first executable file on PATH with one of `names`, or undefined. */
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

/** The standard output of `program`, or undefined if it cannot be run, fails, or takes longer than 20 s. */
export function programOutput(program, args) {
  try {
    return execFileSync(program, args, { timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  } catch {
    return undefined;
  }
}

/**
 * Runs a long command and reports every 15 s that it still runs. Resolves with `ok` (whether it succeeded), `seconds`,
 * and `output`, the first and the last 2,000 characters that it printed. The command is killed after
 * `timeoutSeconds`, or when `isStalled(seconds)` returns true.
 */
export function runLong(label, program, args, { env, cwd, timeoutSeconds, isStalled } = {}) {
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
    const tick = setInterval(() => report(`${label}: still running after ${seconds()} s`), 15_000);
    const watch = setInterval(() => {
      if (seconds() > timeoutSeconds || isStalled?.(seconds())) child.kill('SIGKILL');
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

/** Whether system packages can be installed: the user is root and the machine has apt. */
export function hasApt(env) {
  return process.getuid?.() === 0 && onPath(['apt-get'], env) !== undefined;
}

/** Installs a Debian package; updates the package lists only if the first attempt fails. */
export async function aptInstall(name, estimate, env) {
  report(`${name}: installing the system package with apt-get, ${estimate}`);
  const aptEnv = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    runLong(name, 'apt-get', ['install', '-y', '-q', '--no-install-recommends', name], { env: aptEnv });
  const first = await install();
  if (first.ok) return true;
  await runLong('package lists', 'apt-get', ['update', '-q'], { env: aptEnv });
  const second = await install();
  if (!second.ok) report(`apt-get could not install ${name}:\n${second.output}`);
  return second.ok;
}
