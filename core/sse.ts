/** Parser of server-sent events (HTML standard, section 9.2.6). Runs on every platform. */

export interface SseMessage {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

export interface SseOptions {
  /** Longest message in characters. Default: no limit. */
  readonly maxMessageLength?: number;
  /** Called for each chunk, comments included: a sign that the connection is alive. */
  readonly onBytes?: () => void;
}

/** A message that is longer than `maxMessageLength`. */
export class SseMessageTooLong extends Error {
  override readonly name = 'SseMessageTooLong';
}

/**
 * The messages of `body` that carry data. A message that no empty line ends was cut off and is dropped. Leaving the loop early
 * cancels the body.
 *
 * @throws SseMessageTooLong, and what `body` throws.
 */
export async function* readSse(
  body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
  { maxMessageLength = Number.POSITIVE_INFINITY, onBytes }: SseOptions = {},
): AsyncGenerator<SseMessage> {
  // Drops a byte order mark, as the standard requires.
  const decoder = new TextDecoder();
  let line = '';
  let fields: Fields = {};
  let length = 0;
  let endedWithCarriageReturn = false;
  for await (const bytes of Symbol.asyncIterator in body ? body : chunksOf(body)) {
    onBytes?.();
    let text = decoder.decode(bytes, { stream: true });
    if (text === '') continue;
    // The first half of this CR LF ended its line in the previous chunk.
    if (endedWithCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    endedWithCarriageReturn = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    const rest = lines.pop() ?? '';
    length += text.length;
    for (const end of lines) {
      line += end;
      if (line === '') {
        const { id, event, data } = fields;
        if (data !== undefined) yield { id, event, data: data.join('\n') };
        fields = {};
        length = rest.length;
      } else {
        addField(fields, line);
      }
      line = '';
    }
    line += rest;
    if (length > maxMessageLength) {
      throw new SseMessageTooLong(`The message has more than ${maxMessageLength} characters.`);
    }
  }
}

interface Fields {
  id?: string;
  event?: string;
  data?: string[];
}

function addField(fields: Fields, line: string): void {
  const colon = line.indexOf(':');
  const name = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
  if (name === 'id' || name === 'event') fields[name] = value;
  if (name === 'data') {
    fields.data ??= [];
    fields.data.push(value);
  }
}

/** Browsers without async iteration of streams. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
