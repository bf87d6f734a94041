import { describe, expect, it } from 'vitest';
import { sleep } from '../../core/sleep.ts';

describe('sleep', () => {
  it('resolves after the time', async () => {
    await expect(sleep(1)).resolves.toBeUndefined();
  });

  it('rejects with the reason of a signal that aborts while it waits', async () => {
    const abort = new AbortController();
    const reason = new Error('stopped');
    const waiting = sleep(3_600_000, abort.signal);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('rejects at once if the signal has aborted before', async () => {
    const reason = new Error('stopped');
    await expect(sleep(3_600_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
