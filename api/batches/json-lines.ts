/** Splits a stream of bytes into lines, with at most one line in memory. */

export interface TextLine {
  /** Starts at 1. */
  readonly line: number;
  /** Undefined if the line is longer than `maxBytes` or not UTF-8. */
  readonly text: string | undefined;
}

const LINE_FEED = 10;

/** Yields the lines of `chunks` that are not blank, without a byte order mark. */
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
