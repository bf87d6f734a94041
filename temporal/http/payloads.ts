/**
 * Temporal payloads in their full protobuf JSON form. The shorthand of the server is not used: it turns empty
 * arrays into null, and takes values that look like payloads for payloads.
 */

export interface Payload {
  /** Values are base64, as all bytes. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
}

const JSON_PLAIN = toBase64('json/plain');

/** Encodes `value` as JSON, with `metadata` in addition to the encoding. */
export function toPayload(value: unknown, metadata: Readonly<Record<string, string>> = {}): Payload {
  const more = Object.entries(metadata).map(([name, text]) => [name, toBase64(text)]);
  return {
    metadata: { encoding: JSON_PLAIN, ...Object.fromEntries(more) },
    data: toBase64(JSON.stringify(value)),
  };
}

/** Decodes a JSON payload. Throws TypeError for another encoding. */
export function fromPayload({ metadata, data }: Payload): unknown {
  const encoding = fromBase64(metadata?.encoding ?? '');
  if (encoding === 'binary/null') return undefined;
  if (encoding !== 'json/plain') throw new TypeError(`unsupported payload encoding: ${encoding}`);
  return JSON.parse(fromBase64(data ?? ''));
}

/** Encodes the members of an object, without those that are undefined. */
export function toPayloads(values: object): Readonly<Record<string, Payload>> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, toPayload(value)]));
}

function toBase64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
