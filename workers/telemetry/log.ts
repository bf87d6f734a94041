/** One JSON line per event on stdout: time, level, message and fields. Never sources, prompts or keys. */
import { DefaultLogger, type Logger } from '@temporalio/worker';
import { logField } from '../../core/log-fields.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Creates the logger of a process, also for Temporal's runtime. */
export function createLogger(level: LogLevel, role: string): Logger {
  const minimum = level.toUpperCase() as Uppercase<LogLevel>; // DefaultLogger's own names
  return new DefaultLogger(minimum, ({ level: severity, message, timestampNanos, meta }) => {
    const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
    const fields = meta instanceof Error ? { error: meta } : meta;
    process.stdout.write(
      `${JSON.stringify({ time, level: severity.toLowerCase(), role, message, ...fields }, logField)}\n`,
    );
  });
}
