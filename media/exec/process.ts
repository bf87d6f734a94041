/**
 * Runs the media programs without a shell, each in its own process group, which is killed when the caller
 * stops.
 */
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { pipeline, Readable } from 'node:stream';
import { FrameloomError } from '../../core/errors.ts';

/**
 * Bytes of the error output that are kept: enough for the reason, however much a hostile file makes a program
 * print.
 */
const MAX_STDERR = 16_384;
/** Time from SIGTERM to SIGKILL for a program that has exceeded its time limit. */
const KILL_DELAY_MS = 2000;

export interface ProgramOptions {
  readonly signal?: AbortSignal | undefined;
  /** Wall-clock limit in milliseconds. */
  readonly timeLimitMs: number;
  /** Environment of the program. Default: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads from its standard input. Default: nothing. */
  readonly input?: Readable;
  /** Whether it takes seconds. Other programs, such as decoders, leave the processor to everything else. */
  readonly isShort?: boolean;
  /** Number of outputs after `secondOutput`, from file descriptor 4 on. Default 0. */
  readonly furtherOutputs?: number;
}

/** How a program exited. `stopped` is the reason where this process stopped it. */
export interface ProgramExit {
  readonly code: number | null;
  /** The signal that ended it, instead of a code. */
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly stopped?: 'abort' | 'time_limit' | 'done';
}

export interface Program {
  readonly stdout: Readable;
  /** File descriptor 3 of the program. */
  readonly secondOutput: Readable;
  /** File descriptors 4 and up, as many as requested. */
  readonly furtherOutputs: readonly Readable[];
  /**
   * Settles when the program has exited and its pipes are closed; rejects with `unavailable` if it cannot be
   * started.
   */
  readonly exited: Promise<ProgramExit>;
  /** Kills the process group; its output is not read any further. */
  stop(): void;
}

/** Starts `program` (an absolute path or a name on PATH) with exactly these arguments. */
export function startProgram(program: string, args: readonly string[], options: ProgramOptions): Program {
  const extraPipes = Array<'pipe'>(1 + (options.furtherOutputs ?? 0)).fill('pipe');
  const child = spawn(program, args, {
    stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe', ...extraPipes],
    detached: true,
    ...(options.env ? { env: options.env } : {}),
  });
  if (!options.isShort) lowerPriority(child.pid);
  const { stdout, stderr: errors } = child;
  const [secondOutput, ...furtherOutputs] = child.stdio.slice(3).filter((pipe) => pipe instanceof Readable);
  if (!stdout || !errors || secondOutput === undefined || furtherOutputs.length < extraPipes.length - 1)
    throw new TypeError('a pipe is missing'); // requested above
  if (options.input && child.stdin) {
    // A program that has read enough closes its input: no error.
    pipeline(options.input, child.stdin, () => undefined);
  }
  let stderr = '';
  let stopped: ProgramExit['stopped'];

  let closed = false;
  let killer: NodeJS.Timeout | undefined;
  const signalGroup = (name: 'SIGTERM' | 'SIGKILL'): void => {
    if (child.pid === undefined || closed) return;
    try {
      process.kill(-child.pid, name); // includes children of a program that has exited itself
    } catch {
      child.kill(name); // the group may disappear a moment before the exit is reported
    }
  };
  // After an abort nothing needs to be saved: SIGKILL at once. A program that exceeds its time may still
  // print the reason, but a decoder of hostile input does not get to decide when it exits.
  const stop = (why: NonNullable<ProgramExit['stopped']>): void => {
    if (child.exitCode === null && child.signalCode === null) stopped ??= why;
    signalGroup(why === 'time_limit' ? 'SIGTERM' : 'SIGKILL');
    if (why === 'time_limit') killer = setTimeout(() => signalGroup('SIGKILL'), KILL_DELAY_MS);
  };
  const onAbort = (): void => stop('abort');
  const timer = setTimeout(() => stop('time_limit'), options.timeLimitMs);

  errors.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  });
  const exited = new Promise<ProgramExit>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(
        new FrameloomError('unavailable', 'A media program cannot be started. Run `frameloom doctor`.', {
          cause,
        }),
      );
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
  exited.catch(() => undefined); // a caller that stops early need not await it
  if (options.signal?.aborted) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });

  return {
    stdout,
    secondOutput,
    furtherOutputs,
    exited,
    stop: () => {
      stop('done');
      // Unread output would keep `exited` pending.
      for (const pipe of [stdout, secondOutput, ...furtherOutputs]) pipe.destroy();
    },
  };
}

/**
 * Runs a program to its end and returns its output as text. Beyond `maxBytes`, either only the last bytes are
 * kept (`tail`), or the program is stopped with the reason `done` (`all`).
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions & { readonly maxBytes: number; readonly keep: 'all' | 'tail' },
): Promise<ProgramExit & { readonly stdout: string }> {
  const running = startProgram(program, args, { ...options, isShort: true });
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

/** Where processors are short of time, a deck beside a long video gets nine tenths of it instead of a share. */
function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // it has ended, or the system does not allow it
  }
}
