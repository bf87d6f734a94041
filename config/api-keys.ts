/**
 * API keys of a server. A key identifies a tenant. Without keys, the server accepts only requests from this
 * machine.
 */
import { hex } from '../core/canonical-json.ts';
import { FrameloomError } from '../core/errors.ts';
import { createFailureCounter } from '../core/failure-counter.ts';
import { SettingsError } from './settings.ts';

export interface ApiKey {
  readonly tenant: string;
  /** Hex SHA-256 of the key. A fast hash is sufficient for keys with at least 160 random bits. */
  readonly sha256: string;
}

/** Pattern of tenant names. */
export const TENANT_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Pattern of a hex SHA-256. */
export const KEY_HASH_PATTERN = /^[0-9a-f]{64}$/;

/**
 * Parses FRAMELOOM_API_KEYS, `tenant:sha256hex,…`.
 *
 * @throws SettingsError if an entry is malformed. The message does not quote the value.
 */
export function parseApiKeys(setting: string | undefined): readonly ApiKey[] {
  const entries = (setting ?? '').split(',').map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== '')
    .map((entry, index) => {
      const [tenant = '', sha256 = '', ...rest] = entry.split(':');
      if (!TENANT_PATTERN.test(tenant) || !KEY_HASH_PATTERN.test(sha256) || rest.length > 0) {
        throw new SettingsError(
          `FRAMELOOM_API_KEYS: entry ${index + 1} must be tenant:sha256-of-key-in-hex.`,
        );
      }
      return { tenant, sha256 };
    });
}

/** Whether a host name (without port) is a loopback name or address. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

/** Returns the hex SHA-256 of the key in an `Authorization: Bearer` header, or undefined if there is none. */
export async function hashBearerKey(authorization: string | undefined): Promise<string | undefined> {
  const key = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) return undefined;
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))));
}

/** Too many requests with wrong keys came from one address. */
export class TooManyWrongKeys extends FrameloomError {
  /** Seconds to wait. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super('rate_limited', 'Too many requests with wrong API keys came from this address.');
    this.retryAfter = retryAfter;
  }
}

export interface KeyCheck {
  /**
   * Returns the tenant of the key in an `Authorization` header. `address` is that of the client: the wrong
   * keys of an address are counted, and a right one is accepted however many there were.
   *
   * @throws FrameloomError `unauthorized`, TooManyWrongKeys
   */
  tenantOf(authorization: string | undefined, address: string | undefined): Promise<string>;
}

/** Checks keys, and slows down clients that try wrong ones. `now` is in milliseconds. */
export function createKeyCheck(keys: readonly ApiKey[], now: () => number = Date.now): KeyCheck {
  const failures = createFailureCounter(now);
  return {
    async tenantOf(authorization, address) {
      const given = await hashBearerKey(authorization);
      if (given === undefined) throw new FrameloomError('unauthorized', 'The request has no API key.');
      let tenant: string | undefined;
      // Compares all keys completely, so that the duration reveals nothing about them.
      for (const candidate of keys) if (equal(candidate.sha256, given)) tenant ??= candidate.tenant;
      if (tenant !== undefined) return tenant;
      const wait = address === undefined ? 0 : failures.count(address);
      if (wait > 0) throw new TooManyWrongKeys(wait);
      throw new FrameloomError('unauthorized', 'The API key is unknown.');
    },
  };
}

function equal(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}
