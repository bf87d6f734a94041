/**
 * What an artifact may be called: safe as a path of a folder and as a key of a bucket, and never outside of
 * either.
 */
import { StoreError } from './artifact-store.ts';

const NAME = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)+$/;
const MAX_LENGTH = 512;

export function isArtifactName(name: string): boolean {
  return name.length <= MAX_LENGTH && NAME.test(name);
}

/** Throws `invalid_name` for what is none. */
export function requireName(name: string): void {
  if (isArtifactName(name)) return;
  throw new StoreError('invalid_name', `not an artifact name: ${JSON.stringify(name.slice(0, 80))}`);
}

/** Throws `invalid_name` for what is no beginning of names. */
export function requirePrefix(prefix: string): void {
  const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
  if (folder === '' || isArtifactName(`${folder}/x`)) return;
  throw new StoreError('invalid_name', 'not a prefix of names');
}
