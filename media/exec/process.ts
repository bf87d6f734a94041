/** Runs the media programs: never through a shell, in a process group of their own that ends with the caller's interest. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { FrameloomError } from '../../core/errors.ts';

/** Bytes of the error output that are kept: enough for the reason, whatever a hostile file makes a program say. */
const MAX_STDERR = 16_384;
/** Milliseconds from the request to end to the kill, for a program that has used up its time. */
const GRACE = 2000;

export interface ProgramOptions {
  readonly signal?: AbortSignal | undefined;
  /** Wall-clock limit in milliseconds. */
  readonly timeLimitMs: number;
  /** Environment of the program; default: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Outputs beyond `secondOutput`, from file descriptor 4 on. Default 0. */
  readonly furtherOutputs?: number;
}

/** How a program exited. `stopped` says that it did not end by itself, and why. */
export interface ProgramExit {
  readonly code: number | null;
  /** The signal that exited it, in place of a code. */
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly stopped?: 'abort' | 'time_limit' | 'done';
}

export interface Program {
  readonly stdout: Readable;
  /** File descriptor 3 of the program, as a second output. */
  readonly secondOutput: Readable;
  /** File descriptors 4 and up, as many as were asked for. */
  readonly furtherOutputs: readonly Readable[];
  /** Settles when the program is gone and its pipes are closed; rejects with `unavailable` if it cannot be started. */
  readonly exited: Promise<ProgramExit>;
  /** Ends the whole process group at once; its output is not read any further. */
  stop(): void;
}

/** Starts `program` (an absolute path or a name on PATH) with exactly these arguments. */
export function startProgram(program: string, args: readonly string[], options: ProgramOptions): Program {
  const extraPipes = Array<'pipe'>(1 + (options.furtherOutputs ?? 0)).fill('pipe');
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...extraPipes],
    detached: true,
    ...(options.env ? { env: options.env } : {}),
  });
  const { stdout, stderr: errors } = child;
  const [secondOutput, ...furtherOutputs] = child.stdio.slice(3).filter((pipe) => pipe instanceof Readable);
  if (!stdout || !errors || secondOutput === undefined || furtherOutputs.length < extraPipes.length - 1)
    throw new TypeError('a pipe is missing'); // asked for above
  let stderr = '';
  let stopped: ProgramExit['stopped'];

  let closed = false;
  let killer: NodeJS.Timeout | undefined;
  const signalGroup = (name: 'SIGTERM' | 'SIGKILL'): void => {
    if (child.pid === undefined || closed) return;
    try {
      process.kill(-child.pid, name); // also what the program has started, should it be gone itself
    } catch {
      child.kill(name); // the group may be gone a moment before the end is reported
    }
  };
  // Who loses interest has nothing to save: SIGKILL at once. A program out of time may still say why on its way out, but what
  // decodes hostile input is not asked for permission.
  const stop = (why: NonNullable<ProgramExit['stopped']>): void => {
    if (child.exitCode === null && child.signalCode === null) stopped ??= why;
    signalGroup(why === 'time_limit' ? 'SIGTERM' : 'SIGKILL');
    if (why === 'time_limit') killer = setTimeout(() => signalGroup('SIGKILL'), GRACE);
  };
  const onAbort = (): void => stop('abort');
  const timer = setTimeout(() => stop('time_limit'), options.timeLimitMs);

  errors.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  });
  const exited = new Promise<ProgramExit>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new FrameloomError('unavailable', 'A media program cannot be started.', { cause }));
    });
    child.once('close', (code, signal) => {
      closed = true;
      resolve({ code, signal, stderr, ...(stopped === undefined ? {} : { stopped }) });
    });
  }).finally(() => {
    clearTimeout(timer);
    clearTimeout(killer);
    options.signal?.removeEventListener('abort', onAbort);
  });
  exited.catch(() => undefined); // a caller that stops early need not look
  if (options.signal?.aborted) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });

  return {
    stdout,
    secondOutput,
    furtherOutputs,
    exited,
    stop: () => {
      stop('done');
      for (const pipe of [stdout, secondOutput, ...furtherOutputs]) pipe.destroy(); // what is left in them would keep `exited` waiting
    },
  };
}

/**
 * Runs a program to its end and returns its output as text. Of more than `maxBytes` either the last part is kept, or the
 * program is stopped as `done`.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions & { readonly maxBytes: number; readonly keep: 'all' | 'tail' },
): Promise<ProgramExit & { readonly stdout: string }> {
  const running = startProgram(program, args, options);
  const chunks: Buffer[] = [];
  let bytes = 0;
  running.secondOutput.resume();
  running.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= options.maxBytes) return;
    if (options.keep === 'all') running.stop();
    else while (bytes > options.maxBytes) bytes -= chunks.shift()?.length ?? bytes;
  });
  const ending = await running.exited;
  return { ...ending, stdout: Buffer.concat(chunks).toString('utf8') };
}
