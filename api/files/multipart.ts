/** Parses multipart/form-data (RFC 7578) as a stream, so a file in a form can be larger than the memory. */
import { FrameloomError } from '../../core/errors.ts';

export interface FormPart {
  readonly name: string;
  readonly filename: string | undefined;
  /** Read it to its end, or not at all, before the next part is requested. */
  readonly body: AsyncGenerator<Uint8Array>;
}

const MAX_PART_HEADERS = 16_384;
const CRLF = new Uint8Array([13, 10]);
const BLANK_LINE = new Uint8Array([13, 10, 13, 10]);

/** The boundary in a content type, or undefined if it is not multipart/form-data. */
export function formBoundary(type: string | undefined): string | undefined {
  const [, quoted, bare] =
    /^multipart\/form-data\s*;(?:[^"]*?;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type ?? '') ??
    [];
  return quoted ?? bare;
}

/** Yields the parts of a form in order. @throws FrameloomError `invalid_request` if the form is malformed */
export async function* formParts(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const source = chunks[Symbol.asyncIterator]();
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  // The first delimiter is not preceded by a line break.
  let buffer: Uint8Array = CRLF;

  async function readMore(): Promise<void> {
    const next = await source.next();
    if (next.done) throw new FrameloomError('invalid_request', 'The form ends before its last boundary.');
    buffer = joined(buffer, next.value);
  }

  async function* untilDelimiter(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = find(buffer, delimiter);
      if (at >= 0) {
        const last = buffer.subarray(0, at);
        buffer = buffer.subarray(at + delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      // The last bytes can be the start of a delimiter.
      const safeLength = Math.max(0, buffer.length - delimiter.length + 1);
      const some = buffer.subarray(0, safeLength);
      buffer = buffer.slice(safeLength);
      if (some.length > 0) yield some;
      await readMore();
    }
  }

  try {
    for await (const _preamble of untilDelimiter());
    for (;;) {
      while (buffer.length < 2) await readMore();
      if (buffer[0] === 45 && buffer[1] === 45) return;
      let end = find(buffer, BLANK_LINE);
      while (end < 0) {
        if (buffer.length > MAX_PART_HEADERS)
          throw new FrameloomError('invalid_request', 'The headers of a part of the form are too long.');
        await readMore();
        end = find(buffer, BLANK_LINE);
      }
      const headers = new TextDecoder().decode(buffer.subarray(0, end));
      buffer = buffer.subarray(end + BLANK_LINE.length);
      const body = untilDelimiter();
      yield { ...disposition(headers), body };
      for await (const _rest of body);
    }
  } finally {
    await source.return?.();
  }
}

function disposition(headers: string): { readonly name: string; readonly filename: string | undefined } {
  const line = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(headers)?.[1] ?? '';
  const value = (key: string): string | undefined => {
    const [, quoted, bare] =
      new RegExp(`(?:^|;)\\s*${key}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, 'i').exec(line) ?? [];
    return quoted?.replace(/\\(.)/g, '$1').replace(/%22/g, '"') ?? bare;
  };
  return { name: value('name') ?? '', filename: value('filename') };
}

function find(bytes: Uint8Array, wanted: Uint8Array): number {
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + wanted.length > bytes.length) return -1;
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
