/** What every command gets: settings, streams and a signal, so that none reaches for the process itself. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Settings } from '../config/settings.ts';

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings: Settings;
  /** The result. */
  readonly stdout: NodeJS.WritableStream;
  /** Everything else: progress and messages. `isTTY` chooses between a bar and lines. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Aborts on Ctrl-C, SIGTERM and when the supervisor of this process is gone. */
  readonly signal: AbortSignal;
}

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  /** Answers the exit code. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

export const EXIT_CODES = { complete: 0, failed: 1, usage: 2, gaps: 3 } as const;

/** A wrong command line: the message and the usage are printed, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `parseArgs` of Node, with its complaints as UsageError. */
export function parseCommandLine<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function printLine(stream: NodeJS.WritableStream, text = ''): void {
  stream.write(`${text}\n`);
}
