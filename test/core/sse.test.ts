import { describe, expect, it } from 'vitest';
import { readSse, type SseMessage, SseMessageTooLong, type SseOptions } from '../../core/sse.ts';

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function parse(text: string, size = text.length, options: SseOptions = {}): Promise<SseMessage[]> {
  const messages: SseMessage[] = [];
  const bytes = new TextEncoder().encode(text);
  for await (const message of readSse(chunks(bytes, Math.max(1, size)), options)) messages.push(message);
  return messages;
}

describe('the parser of server-sent events', () => {
  it('reads fields, comments and all three line ends, wherever chunks are cut', async () => {
    const text =
      '\ufeff: comment\r\nid: 1\r\nevent: progress\r\ndata: Grüße\r\ndata:  🙂\r\n\r\ndata\rdata:x\r\rid: 2\nretry: 5\n\ndata: last\n\n';
    const expected = [
      { id: '1', event: 'progress', data: 'Grüße\n 🙂' },
      { id: undefined, event: undefined, data: '\nx' },
      { id: undefined, event: undefined, data: 'last' },
    ];
    for (let size = 1; size < 40; size += 1) expect(await parse(text, size)).toEqual(expected);
  });

  it('drops a message that no empty line ends', async () => {
    expect(await parse('data: one\n\ndata: two\n')).toEqual([{ data: 'one' }]);
  });

  it('reports every chunk, comments included', async () => {
    let count = 0;
    const onBytes = (): void => {
      count += 1;
    };
    await parse(': alive\n\n', 3, { onBytes });
    expect(count).toBe(3);
  });

  it('rejects a message that is longer than allowed, also within one line', async () => {
    const options = { maxMessageLength: 20 };
    await expect(parse(`data: ${'x'.repeat(30)}`, 7, options)).rejects.toThrow(SseMessageTooLong);
    await expect(parse('data: 1234567890\n'.repeat(2), 7, options)).rejects.toThrow(SseMessageTooLong);
    expect(await parse('data: 12345\n\n'.repeat(9), 7, options)).toHaveLength(9);
  });

  it('cancels the body if the reader stops early', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const _ of readSse(body)) break;
    expect(cancelled).toBe(true);
  });
});
