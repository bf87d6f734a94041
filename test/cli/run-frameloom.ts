/** Runs the command as users do, from source, in an environment of the test's own. */
import { spawn } from 'node:child_process';
import { commandEntry } from '../../cli/package-root.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The environment of a test: only what programs are found by, so that no setting of the caller's reaches it.
 */
export function cleanEnv(settings: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = [
    'PATH',
    'HOME',
    'XDG_CACHE_HOME',
    'FFMPEG_PATH',
    'FFPROBE_PATH',
    'TEMPORAL_CLI_PATH',
    'TMPDIR',
  ];
  const inherited = kept.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(inherited), ...settings };
}

/** Runs to the end. `input` is not given: the command reads none. */
export function runFrameloom(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return run(process.execPath, [...commandEntry(), ...args], cleanEnv(settings));
}

export function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
