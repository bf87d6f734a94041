/** Reading server-sent events from a body, by the rules of the HTML standard, section 9.2.6. */

export interface SseMessage {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/**
 * The messages of `body` that carry data. Leaving the loop early cancels the body. `onBytes` is called whenever anything comes,
 * comments included.
 */
export async function* sseMessages(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void = () => undefined,
): AsyncGenerator<SseMessage> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      // A message that is not closed by an empty line was cut off, and is dropped.
      if (done) return;
      onBytes();
      // A CR at the end may be the first half of a CR LF that a chunk boundary has cut in two.
      rest = (rest + decoder.decode(value, { stream: true })).replace(/\r\n|\r(?!$)/g, '\n');
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const message = parse(block);
        if (message) yield message;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parse(block: string): SseMessage | undefined {
  const fields = new Map<string, string[]>();
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, [...(fields.get(name) ?? []), value ?? '']);
  }
  const data = fields.get('data')?.join('\n');
  if (data === undefined) return undefined;
  return { id: fields.get('id')?.at(-1), event: fields.get('event')?.at(-1), data };
}
