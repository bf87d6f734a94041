/**
 * Who an edge speaks for. It has let its caller in itself, and forwards the request with a token of its own and the name of the
 * tenant. That name counts with such a token only: no other caller can choose whose requests it makes.
 */
import { KEY_HASH, keyHashOf, TENANT } from '../../config/api-keys.ts';
import { SettingsError } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';

export const TENANT_HEADER = 'Frameloom-Tenant';

/** Reads hashes separated by commas, the value of FRAMELOOM_GATEWAY_TOKENS. Throws SettingsError, which quotes nothing of the value. */
export function parseGatewayTokens(setting: string | undefined): readonly string[] {
  const entries = (setting ?? '').split(',').map((entry) => entry.trim());
  const hashes = entries.filter((entry) => entry !== '');
  if (hashes.every((entry) => KEY_HASH.test(entry))) return hashes;
  throw new SettingsError('FRAMELOOM_GATEWAY_TOKENS: an entry is not the SHA-256 of a token in hex.');
}

/**
 * The tenant that the bearer of a gateway token names; undefined where `authorization` holds no such token. Throws `unauthorized`
 * where it does and names none.
 */
export async function forwardedTenant(
  tokens: readonly string[],
  authorization: string | undefined,
  named: string | undefined,
): Promise<string | undefined> {
  if (tokens.length === 0) return undefined;
  const given = await keyHashOf(authorization);
  // What is compared is a hash: the time it takes tells nothing of the token.
  if (given === undefined || !tokens.includes(given)) return undefined;
  if (named !== undefined && TENANT.test(named)) return named;
  throw new FrameloomError('unauthorized', `A gateway must name the tenant in ${TENANT_HEADER}.`);
}
