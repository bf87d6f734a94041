/** Temporary access keys, as ECS and EKS Pod Identity give them out: fetched when they are needed, and again before they run out. */
import { readFile } from 'node:fs/promises';
import { StoreError } from '../artifact-store.ts';
import type { S3Credentials } from './client.ts';

/** Keys are fetched again this long before they run out, in milliseconds. */
const EARLY = 5 * 60_000;
const TIMEOUT = 5000;

interface GivenOut {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
  readonly Expiration: string;
}

/** Credentials from the address `uri`; the token in `tokenFile`, which is renewed from outside, lets us in. */
export function containerCredentials(
  uri: string,
  tokenFile: string | undefined,
): () => Promise<S3Credentials> {
  let held: { readonly credentials: S3Credentials; readonly until: number } | undefined;
  let asking: Promise<S3Credentials> | undefined;

  async function ask(): Promise<S3Credentials> {
    try {
      const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
      const answer = await fetch(uri, {
        headers: token === undefined ? {} : { authorization: token },
        signal: AbortSignal.timeout(TIMEOUT),
      });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const given = (await answer.json()) as GivenOut; // the service's documented answer
      const credentials = {
        accessKeyId: given.AccessKeyId,
        secretAccessKey: given.SecretAccessKey,
        sessionToken: given.Token,
      };
      held = { credentials, until: Date.parse(given.Expiration) - EARLY };
      return credentials;
    } catch (error) {
      throw new StoreError('unavailable', 'no access key for the bucket was given out', { cause: error });
    } finally {
      asking = undefined;
    }
  }

  return async () => {
    if (held && Date.now() < held.until) return held.credentials;
    asking ??= ask();
    return asking;
  };
}
