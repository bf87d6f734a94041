/** Parses values of command-line options. */
import { UsageError } from '../context.ts';

/** Returns `{ [key]: value }`, or `{}` where the value is undefined. */
export function definedMember<K extends string, V>(key: K, value: V | undefined): { [name in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [name in K]: V }); // a computed key widens to string
}

/** @throws UsageError where the text is not a number. */
export function parseNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new UsageError(`${option} ${text} is not a number.`);
  return value;
}

/** Parses seconds, `mm:ss` or `h:mm:ss` to seconds. @throws UsageError for anything else. */
export function parseSeconds(option: string, text: string | undefined): number | undefined {
  const clock = /^(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)$/.exec(text ?? '');
  if (clock === null) return parseNumber(option, text);
  return Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
}
