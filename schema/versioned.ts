/**
 * Versions of JSON artifacts whose names do not depend on their format: shards, requests, generations and
 * outcomes of batch lines. Increase the version when a change of the format cannot be read by older code.
 */
import { FrameloomError } from '../core/errors.ts';

export interface Versioned {
  readonly version: number;
}

/** Whether `content` has this version of its format. */
export function hasVersion<T extends Versioned>(content: unknown, version: number): content is T {
  return (
    typeof content === 'object' && content !== null && 'version' in content && content.version === version
  );
}

/**
 * Returns the content of the artifact `name`.
 *
 * @throws FrameloomError `unavailable` if the artifact has another version: a process of another release
 * wrote it, and one of that release can read it.
 */
export function requireVersion<T extends Versioned>(content: unknown, version: number, name: string): T {
  if (hasVersion<T>(content, version)) return content;
  throw new FrameloomError(
    'unavailable',
    `The artifact ${name} does not have version ${version} of its format.`,
  );
}
