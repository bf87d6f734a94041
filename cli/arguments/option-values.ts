/** Values of options, from the words of a command line. */
import { UsageError } from '../context.ts';

/** The member `key`, unless its value was left out. */
export function definedMember<K extends string, V>(key: K, value: V | undefined): { [name in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [name in K]: V }); // a computed key widens to string
}

/** Throws UsageError where it is none. */
export function parseNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new UsageError(`${option} ${text}: that is not a number.`);
  return value;
}

/** Seconds, `mm:ss` or `h:mm:ss`. */
export function parseSeconds(option: string, text: string | undefined): number | undefined {
  const clock = /^(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)$/.exec(text ?? '');
  if (clock === null) return parseNumber(option, text);
  return Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
}
