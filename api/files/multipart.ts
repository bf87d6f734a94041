/** multipart/form-data (RFC 7578) as a stream of parts: a file in a form may be as large as one that is the body itself. */
import { FrameloomError } from '../../core/errors.ts';

export interface FormPart {
  readonly name: string;
  readonly filename: string | undefined;
  /** To be read to its end before the next part is asked for, or not at all. */
  readonly body: AsyncGenerator<Uint8Array>;
}

const MAX_PART_HEADERS = 16_384;
const CRLF = new Uint8Array([13, 10]);
const BLANK_LINE = new Uint8Array([13, 10, 13, 10]);

/** The boundary of a content type, or undefined where it is not a form's. */
export function formBoundary(type: string | undefined): string | undefined {
  const [, quoted, bare] =
    /^multipart\/form-data\s*;(?:[^"]*?;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type ?? '') ??
    [];
  return quoted ?? bare;
}

/** The parts of a form in order. Throws `invalid_request` where it is none or ends too early. */
export async function* formParts(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const source = chunks[Symbol.asyncIterator]();
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  // The first delimiter has no line before it.
  let held: Uint8Array = CRLF;

  async function more(): Promise<void> {
    const next = await source.next();
    if (next.done) throw new FrameloomError('invalid_request', 'The form ends before its last boundary.');
    held = joined(held, next.value);
  }

  async function* untilDelimiter(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = find(held, delimiter);
      if (at >= 0) {
        const last = held.subarray(0, at);
        held = held.subarray(at + delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      // A delimiter may have begun in the last bytes.
      const sure = Math.max(0, held.length - delimiter.length + 1);
      const some = held.subarray(0, sure);
      held = held.slice(sure);
      if (some.length > 0) yield some;
      await more();
    }
  }

  try {
    for await (const _preamble of untilDelimiter());
    for (;;) {
      while (held.length < 2) await more();
      if (held[0] === 45 && held[1] === 45) return;
      let end = find(held, BLANK_LINE);
      while (end < 0) {
        if (held.length > MAX_PART_HEADERS)
          throw new FrameloomError('invalid_request', 'A part of the form has too long headers.');
        await more();
        end = find(held, BLANK_LINE);
      }
      const headers = new TextDecoder().decode(held.subarray(0, end));
      held = held.subarray(end + BLANK_LINE.length);
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
