/** Logs one JSON line per event, in the format of the workers: time, level, role, message and fields. */
import type { Log } from '../../api/app/index.ts';
import type { Settings } from '../../config/settings.ts';
import { logField } from '../../core/log-fields.ts';

const LEVELS: readonly Settings['logLevel'][] = ['debug', 'info', 'warn', 'error'];

/** Events below the level `minLevel` are not logged. */
export function createJsonLogger(
  role: string,
  minLevel: Settings['logLevel'],
  out: NodeJS.WritableStream,
): Log {
  return (level, message, fields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(minLevel)) return;
    const time = new Date().toISOString();
    out.write(`${JSON.stringify({ time, level, role, message, ...fields }, logField)}\n`);
  };
}
