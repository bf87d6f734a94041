/**
 * Authentication of gateways. A gateway authenticates its callers itself and forwards each request with its
 * own token and the name of the tenant. The name is used with a valid token only, so no other caller can
 * choose a tenant.
 */
import { hashBearerKey, KEY_HASH_PATTERN, TENANT_PATTERN } from '../../config/api-keys.ts';
import { SettingsError } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';

export const TENANT_HEADER = 'Frameloom-Tenant';

/**
 * Parses FRAMELOOM_GATEWAY_TOKENS: hashes separated by commas.
 *
 * @throws SettingsError, without any part of the value in its message
 */
export function parseGatewayTokens(setting: string | undefined): readonly string[] {
  const entries = (setting ?? '').split(',').map((entry) => entry.trim());
  const hashes = entries.filter((entry) => entry !== '');
  if (hashes.every((entry) => KEY_HASH_PATTERN.test(entry))) return hashes;
  throw new SettingsError('FRAMELOOM_GATEWAY_TOKENS: an entry is not the SHA-256 of a token in hex.');
}

/**
 * Returns the tenant named by a gateway, or undefined if `authorization` has no gateway token.
 *
 * @throws FrameloomError `unauthorized` if a gateway names no tenant
 */
export async function forwardedTenant(
  tokens: readonly string[],
  authorization: string | undefined,
  named: string | undefined,
): Promise<string | undefined> {
  if (tokens.length === 0) return undefined;
  const given = await hashBearerKey(authorization);
  // Hashes are compared, so the time it takes reveals nothing about the token.
  if (given === undefined || !tokens.includes(given)) return undefined;
  if (named !== undefined && TENANT_PATTERN.test(named)) return named;
  throw new FrameloomError('unauthorized', `A gateway must name the tenant in ${TENANT_HEADER}.`);
}
