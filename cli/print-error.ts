/** Prints the error that ends a command. */
import { SettingsError } from '../config/settings.ts';
import { ERRORS, FrameloomError } from '../core/errors.ts';
import { LifetimesError } from '../store/lifetimes.ts';
import { EXIT_CODES, printLine, UsageError } from './context.ts';
import { ChildProcessError, HomeInUseError } from './embedded/index.ts';

/**
 * Prints an error: the message and a hint for known errors, the stack for unexpected ones. `usage` is that of the
 * command. Returns the exit code.
 */
export function printError(error: unknown, stderr: NodeJS.WritableStream, usage = ''): number {
  if (error instanceof UsageError) {
    printLine(stderr, `frameloom: ${error.message}\n\n${usage}`);
    return EXIT_CODES.usage;
  }
  if (error instanceof SettingsError || error instanceof LifetimesError) {
    printLine(stderr, `frameloom: ${error.message}`);
    return EXIT_CODES.usage;
  }
  if (error instanceof FrameloomError) {
    printLine(stderr, `frameloom: ${error.message}\n${ERRORS[error.code].hint}`);
    return EXIT_CODES.failed;
  }
  if (error instanceof ChildProcessError || error instanceof HomeInUseError) {
    printLine(stderr, `frameloom: ${error.message}`);
    return EXIT_CODES.failed;
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  // The message comes last: a supervisor shows the last line of a child that does not start.
  printLine(stderr, `${stack}\nframeloom: ${message}`);
  return EXIT_CODES.failed;
}
