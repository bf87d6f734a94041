import { afterEach, describe, expect, it, vi } from 'vitest';
import { readJsonText, withoutNullMembers } from '../../core/json-body.ts';

afterEach(() => void vi.useRealTimers());

describe('a JSON body', () => {
  it('that does not arrive in time is given up', async () => {
    vi.useFakeTimers();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"a":')),
    });
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit; // missing in the types
    const read = readJsonText(new Request('http://localhost/', init), { maxBytes: 100, timeoutMs: 30_000 });
    const rejected = expect(read).rejects.toMatchObject({ fault: 'too_slow' });
    await vi.advanceTimersByTimeAsync(30_000);
    await rejected;
  });

  it('loses the members that are null, at every level, and no items of lists', () => {
    const value = { a: null, b: { c: null, d: 0 }, e: [null, { f: null }], g: '' };
    expect(withoutNullMembers(value)).toEqual({ b: { d: 0 }, e: [null, {}], g: '' });
  });
});
