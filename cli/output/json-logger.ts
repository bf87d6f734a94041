/** One JSON line per event on stdout, in the shape that workers write: time, level, role, message and fields. */
import type { Log } from '../../api/app/index.ts';
import type { Settings } from '../../config/settings.ts';

const LEVELS: readonly Settings['logLevel'][] = ['debug', 'info', 'warn', 'error'];

/** A log that leaves out what is less severe than `least`. */
export function createJsonLogger(role: string, least: Settings['logLevel'], out: NodeJS.WritableStream): Log {
  return (level, message, fields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const time = new Date().toISOString();
    out.write(`${JSON.stringify({ time, level, role, message, ...fields }, withErrors)}\n`);
  };
}

/** Errors have no JSON of their own. */
function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
}
