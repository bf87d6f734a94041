import { describe, expect, it } from 'vitest';
import { backoffMs, parseRetryAfter, type RetryOptions, retry } from '../../core/retry.ts';

class Transient extends Error {}

/** Options with a clock that advances by each wait, and the list of waits. */
function scripted(options: Partial<RetryOptions> = {}): {
  readonly waits: number[];
  readonly options: RetryOptions;
} {
  const waits: number[] = [];
  let now = 0;
  return {
    waits,
    options: {
      attempts: 4,
      backoff: { firstMs: 100, maxMs: 300, jitter: 0 },
      isRetryable: (error) => error instanceof Transient,
      now: () => now,
      sleep: (milliseconds, signal) => {
        signal?.throwIfAborted();
        waits.push(milliseconds);
        now += milliseconds;
        return Promise.resolve();
      },
      ...options,
    },
  };
}

/** Fails `times` times, then returns the number of failures in a row that it was given. */
function failing(times: number, error: () => Error = () => new Transient('busy')) {
  let left = times;
  return (failures: number): Promise<number> => {
    left -= 1;
    return left >= 0 ? Promise.reject(error()) : Promise.resolve(failures);
  };
}

describe('retry', () => {
  it('returns the first success and doubles the wait up to the longest', async () => {
    const { waits, options } = scripted();
    await expect(retry(failing(3), options)).resolves.toBe(3);
    expect(waits).toEqual([100, 200, 300]);
  });

  it('throws the last error unchanged after the last attempt', async () => {
    const { waits, options } = scripted();
    const error = new Transient('still busy');
    await expect(
      retry(
        failing(9, () => error),
        options,
      ),
    ).rejects.toBe(error);
    expect(waits).toHaveLength(3);
  });

  it('does not retry an error that is not retryable', async () => {
    const { waits, options } = scripted();
    await expect(
      retry(
        failing(1, () => new Error('bad input')),
        options,
      ),
    ).rejects.toThrow('bad input');
    expect(waits).toEqual([]);
  });

  it('lets an error replace the backoff', async () => {
    const { waits, options } = scripted({ waitMs: (_, backoff) => backoff + 7 });
    await retry(failing(2), options);
    expect(waits).toEqual([107, 207]);
  });

  it('throws at once if the required wait is too long', async () => {
    const { waits, options } = scripted({ waitMs: () => 5000, maxWaitMs: 4999 });
    await expect(retry(failing(1), options)).rejects.toThrow(Transient);
    expect(waits).toEqual([]);
  });

  it('starts no attempt at or after the deadline', async () => {
    const { waits, options } = scripted({ deadline: 300 });
    await expect(retry(failing(9), options)).rejects.toThrow(Transient);
    expect(waits).toEqual([100]);
  });

  it('counts failures anew after an attempt that made progress', async () => {
    let runs = 0;
    const { waits, options } = scripted({ attempts: 3, hasProgressed: () => runs === 2 });
    const run = failing(3);
    await retry((failures) => {
      runs += 1;
      return run(failures);
    }, options);
    expect(waits).toEqual([100, 100, 200]);
  });

  it('reports each retry before it waits', async () => {
    const reports: [string, number][] = [];
    const { options } = scripted({
      onRetry: (error, wait) => reports.push([(error as Error).message, wait]),
    });
    await retry(failing(2), options);
    expect(reports).toEqual([
      ['busy', 100],
      ['busy', 200],
    ]);
  });

  it('throws the reason of a signal that aborts during an attempt', async () => {
    const abort = new AbortController();
    const { waits, options } = scripted({ signal: abort.signal });
    const reason = new Error('stopped');
    const attempt = (): Promise<never> => {
      abort.abort(reason);
      return Promise.reject(new Transient('busy'));
    };
    await expect(retry(attempt, options)).rejects.toBe(reason);
    expect(waits).toEqual([]);
  });
});

describe('backoff', () => {
  it('varies each wait by the jitter, up and down', () => {
    const backoff = { firstMs: 100, maxMs: 1000 };
    expect(backoffMs(2, backoff, () => 0)).toBe(100);
    expect(backoffMs(2, backoff, () => 0.5)).toBe(200);
    expect(backoffMs(2, backoff, () => 1)).toBe(300);
  });
});

describe('Retry-After', () => {
  it('is read as seconds or as a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(parseRetryAfter('120', now)).toBe(120_000);
    expect(parseRetryAfter(' 0 ', now)).toBe(0);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    expect(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
  });

  it('is ignored if it is missing or malformed', () => {
    for (const header of [undefined, null, '', 'soon', '-1s'])
      expect(parseRetryAfter(header, 0)).toBeUndefined();
  });
});
