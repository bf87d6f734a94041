/**
 * Temporary access keys from the credentials endpoint of a container (Amazon ECS, EKS Pod Identity). Node
 * only: reads a token file.
 */
import { readFile } from 'node:fs/promises';
import { StoreError } from './artifact-store.ts';
import type { S3Credentials } from './s3/index.ts';

/** Keys are renewed this long before they expire. */
const RENEW_BEFORE_MS = 5 * 60_000;
const TIMEOUT_MS = 5000;

/** The documented response of the endpoint. */
interface CredentialsResponse {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
  readonly Expiration: string;
}

/**
 * Returns a function that fetches access keys from `uri`, and again shortly before they expire. Concurrent
 * calls share one request. The token in `tokenFile`, which the platform rotates, authorizes each request.
 *
 * @throws StoreError `unavailable`, from the returned function.
 */
export function containerCredentials(
  uri: string,
  tokenFile: string | undefined,
): () => Promise<S3Credentials> {
  let cached: { readonly credentials: S3Credentials; readonly renewAt: number } | undefined;
  let pending: Promise<S3Credentials> | undefined;

  async function request(): Promise<S3Credentials> {
    try {
      const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
      const response = await fetch(uri, {
        headers: token === undefined ? {} : { authorization: token },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const body = (await response.json()) as CredentialsResponse;
      const credentials = {
        accessKeyId: body.AccessKeyId,
        secretAccessKey: body.SecretAccessKey,
        sessionToken: body.Token,
      };
      cached = { credentials, renewAt: Date.parse(body.Expiration) - RENEW_BEFORE_MS };
      return credentials;
    } catch (error) {
      throw new StoreError('unavailable', 'the credentials endpoint returned no access key', {
        cause: error,
      });
    } finally {
      pending = undefined;
    }
  }

  return async () => {
    if (cached && Date.now() < cached.renewAt) return cached.credentials;
    pending ??= request();
    return pending;
  };
}
