/** Reads values of JSON whose members vary between services. */
import { clockOf } from './clock.ts';

export type Members = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number, a text with a number (`"1.5"`, `"1.5s"`), or a clock time. */
export function timeOf(value: unknown, perSecond = 1): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value / perSecond : undefined;
  if (typeof value !== 'string') return undefined;
  const plain = value.trim().replace(/s$/, '');
  if (/^-?\d+(?:\.\d+)?$/.test(plain)) return Number(plain) / perSecond;
  return clockOf(plain);
}
