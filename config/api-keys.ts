/** Keys that a server accepts. A key names a tenant; without keys it serves the person at this machine and nobody else. */
import { hex } from '../core/canonical-json.ts';
import { FrameloomError } from '../core/errors.ts';
import { SettingsError } from './settings.ts';

export interface ApiKey {
  readonly tenant: string;
  /** Hex SHA-256 of the key. A fast hash suits keys of 160 random bits and more. */
  readonly sha256: string;
}

/** Names of tenants. */
export const TENANT = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** The hex SHA-256 of a key. */
export const KEY_HASH = /^[0-9a-f]{64}$/;

/** Reads `tenant:sha256hex,…`, the value of FRAMELOOM_API_KEYS. Throws SettingsError, which quotes nothing of the value. */
export function parseApiKeys(setting: string | undefined): readonly ApiKey[] {
  const entries = (setting ?? '').split(',').map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== '')
    .map((entry, index) => {
      const [tenant = '', sha256 = '', ...rest] = entry.split(':');
      if (!TENANT.test(tenant) || !KEY_HASH.test(sha256) || rest.length > 0) {
        throw new SettingsError(`FRAMELOOM_API_KEYS: entry ${index + 1} is not tenant:sha256-of-key-in-hex.`);
      }
      return { tenant, sha256 };
    });
}

/** Whether a host name, without port, can only mean this machine. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

/**
 * Keeps web pages of others out of a server without keys: those reached by a name that resolves here, and cross-site ones.
 * Throws `unauthorized`.
 */
export function requireOwnMachine(url: string, site: string | undefined): void {
  if (!isLoopback(new URL(url).hostname)) {
    throw new FrameloomError('unauthorized', 'Without API keys this server answers on localhost only.');
  }
  if (site === 'cross-site' || site === 'same-site') {
    throw new FrameloomError('unauthorized', 'Without API keys this server answers to its own pages only.');
  }
}

/** The hash of the key that an `Authorization` header carries; undefined where it carries none. */
export async function keyHashOf(authorization: string | undefined): Promise<string | undefined> {
  const key = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) return undefined;
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))));
}

/** The tenant of an `Authorization` header. Throws `unauthorized`. */
export async function tenantOf(keys: readonly ApiKey[], authorization: string | undefined): Promise<string> {
  const given = await keyHashOf(authorization);
  if (given === undefined) throw new FrameloomError('unauthorized', 'The request carries no API key.');
  let tenant: string | undefined;
  // Every key is compared in full, so that the time taken tells nothing about them.
  for (const candidate of keys) if (equal(candidate.sha256, given)) tenant ??= candidate.tenant;
  if (tenant === undefined) throw new FrameloomError('unauthorized', 'The API key is not known.');
  return tenant;
}

function equal(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}
