import { z } from '@hono/zod-openapi';
import { FrameloomError } from '../../core/errors.ts';

/** The `Idempotency-Key` header of an operation. */
export function idempotencyHeader(example: string) {
  return z.object({
    'idempotency-key': z.string().max(600).optional().meta({
      description: 'Up to 255 printable ASCII characters, bare or as a quoted string.',
      example,
    }),
  });
}

const BARE = /^[\x21-\x7e][\x20-\x7e]{0,254}$/;
/** A string of RFC 9651, 3.3.3: printable ASCII, with `\` before `"` and `\`. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * Parses an `Idempotency-Key` header, quoted as in draft-ietf-httpapi-idempotency-key-header-07 or bare, as
 * most clients send it.
 *
 * @throws FrameloomError `invalid_request`
 */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const quoted = QUOTED.exec(header.trim())?.[1];
  const key = quoted === undefined ? header.trim() : quoted.replace(/\\(["\\])/g, '$1');
  if (!BARE.test(key) || (quoted === undefined && key.startsWith('"'))) {
    throw new FrameloomError(
      'invalid_request',
      'Idempotency-Key must be 1 to 255 printable ASCII characters.',
    );
  }
  return key;
}
