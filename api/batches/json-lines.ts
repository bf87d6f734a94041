/** Bytes → lines, one after the other, none of them larger than allowed in memory. */

export interface TextLine {
  /** From 1, as editors count. */
  readonly line: number;
  /** Undefined: longer than allowed, or not UTF-8. */
  readonly text: string | undefined;
}

const LINE_FEED = 10;

/** The lines of `chunks` that are not blank. A byte order mark is no part of the first one. */
export async function* textLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<TextLine> {
  let line = 1;
  let parts: Uint8Array[] = [];
  let bytes = 0;
  function* ended(): Generator<TextLine> {
    const text = bytes > maxBytes ? undefined : decode(parts);
    if (text === undefined || text.trim() !== '') yield { line, text };
    line += 1;
    parts = [];
    bytes = 0;
  }
  function add(part: Uint8Array): void {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
    else parts = [];
  }
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, at));
      yield* ended();
      from = at + 1;
    }
    add(chunk.subarray(from));
  }
  yield* ended();
}

function decode(parts: readonly Uint8Array[]): string | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode();
  } catch {
    return undefined;
  }
}
