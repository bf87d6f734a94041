/**
 * Temporal payloads in full, as JSON of protobuf writes them. The server offers a shorthand in their place, which turns every empty
 * array into null and takes values that look like payloads for payloads; it is never used here.
 */

export interface Payload {
  /** Base64, as all bytes below. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
}

const JSON_PLAIN = toBase64('json/plain');

/** `value` as JSON; `metadata` beside the encoding, as text. */
export function toPayload(value: unknown, metadata: Readonly<Record<string, string>> = {}): Payload {
  const more = Object.entries(metadata).map(([name, text]) => [name, toBase64(text)]);
  return {
    metadata: { encoding: JSON_PLAIN, ...Object.fromEntries(more) },
    data: toBase64(JSON.stringify(value)),
  };
}

/** The value of a payload that our own code wrote. Throws TypeError for one of another encoding. */
export function fromPayload({ metadata, data }: Payload): unknown {
  const encoding = fromBase64(metadata?.encoding ?? '');
  if (encoding === 'binary/null') return undefined;
  if (encoding !== 'json/plain') throw new TypeError(`a payload of the encoding ${encoding}`);
  return JSON.parse(fromBase64(data ?? ''));
}

/** The named values as payloads, without those that are undefined. */
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
