/**
 * Reads the JSON body of a request within limits of size, time and depth, however the client sends it: with
 * a length, in chunks, or not at all. Runs on every platform.
 */

export type JsonBodyFault =
  | 'too_large'
  | 'too_slow'
  | 'cut_off'
  | 'compressed'
  | 'not_json_type'
  | 'not_utf8'
  | 'too_deep';

/** A body that cannot be read. The message is for users. */
export class JsonBodyError extends Error {
  override readonly name = 'JsonBodyError';
  readonly fault: JsonBodyFault;

  constructor(fault: JsonBodyFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

export interface JsonBodyLimits {
  readonly maxBytes: number;
  /** Longest time from the headers to the end of the body, in milliseconds. */
  readonly timeoutMs: number;
}

/** Deeper values would overflow the stack of code that walks them. */
const MAX_DEPTH = 64;

/**
 * The text of the body, empty without one. It may still be malformed JSON.
 *
 * @throws JsonBodyError
 */
export async function readJsonText(request: Request, limits: JsonBodyLimits): Promise<string> {
  const { headers } = request;
  requireJsonType(headers.get('Content-Type'));
  const encoding = headers.get('Content-Encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity')
    throw new JsonBodyError('compressed', 'The body must be sent without Content-Encoding.');
  if (Number(headers.get('Content-Length') ?? 0) > limits.maxBytes) throw tooLarge(limits);
  const text = decode(request.body ? await readBytes(request.body, limits) : []);
  if (isTooDeep(text))
    throw new JsonBodyError('too_deep', `The body has more than ${MAX_DEPTH} levels of nesting.`);
  return text;
}

/** The same value without members that are null, at any level. Items of arrays stay. */
export function withoutNullMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullMembers);
  if (typeof value !== 'object' || value === null) return value;
  const given = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(given.map(([name, member]) => [name, withoutNullMembers(member)]));
}

function requireJsonType(contentType: string | null): void {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (!/^application\/([\w.-]+\+)?json$/.test(type))
    throw new JsonBodyError('not_json_type', 'The body must be sent as application/json.');
  const charset = parameters.find((parameter) => /^charset\s*=/.test(parameter));
  if (charset !== undefined && !/^charset\s*=\s*"?(utf-?8|us-ascii)"?$/.test(charset))
    throw new JsonBodyError('not_json_type', 'JSON must be sent in UTF-8.');
}

function tooLarge({ maxBytes }: JsonBodyLimits): JsonBodyError {
  return new JsonBodyError('too_large', `A JSON body may have at most ${maxBytes} bytes.`);
}

/** Stops reading at the limit. The body is not cancelled, which would close the connection. */
async function readBytes(body: ReadableStream<Uint8Array>, limits: JsonBodyLimits): Promise<Uint8Array[]> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new JsonBodyError(
      'too_slow',
      `The body did not arrive within ${limits.timeoutMs / 1000} s.`,
    );
    timer = setTimeout(() => reject(error), limits.timeoutMs);
  });
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return chunks;
      bytes += value.length;
      if (bytes > limits.maxBytes) throw tooLarge(limits);
      chunks.push(value);
    }
  } catch (error) {
    if (error instanceof JsonBodyError) throw error;
    throw new JsonBodyError('cut_off', 'The body ended early.', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function decode(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode();
  } catch (error) {
    throw new JsonBodyError('not_utf8', 'The body is not valid UTF-8.', { cause: error });
  }
}

/** Counts brackets outside of strings, before anything is parsed. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) {
      inString = true;
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (code === 0x5d || code === 0x7d) {
      depth -= 1;
    }
  }
  return false;
}
