/**
 * The interface of a command, and its context: settings, streams and a signal. Commands do not use `process`
 * directly.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Settings } from '../config/settings.ts';

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings: Settings;
  /** For results only. */
  readonly stdout: NodeJS.WritableStream;
  /** For progress and messages. On a terminal (`isTTY`) progress is one redrawn line. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Aborts on Ctrl-C, on SIGTERM, and when the supervisor of this process ends. */
  readonly signal: AbortSignal;
}

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  /** Returns the exit code. @throws UsageError for wrong arguments. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** `interrupted` is what shells report for a program that Ctrl-C ended. */
export const EXIT_CODES = { complete: 0, failed: 1, usage: 2, gaps: 3, interrupted: 130 } as const;

/** Wrong arguments: the message and the usage are printed, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Node's `parseArgs`. @throws UsageError for an unknown option or a missing value. */
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
