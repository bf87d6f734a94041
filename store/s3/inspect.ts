/** Finds out whether a bucket does what the store rests on, by doing it. */
import { StoreError } from '../artifact-store.ts';
import { createS3Client, type S3Options, sha256 } from './client.ts';
import { asStoreError } from './failure.ts';
import { BYTES_PREFIX } from './objects.ts';

/** `works`, or what it does not do. */
export type BucketReport =
  | { readonly works: true }
  | {
      readonly works: false;
      readonly problem: 'unreachable' | 'overwrites' | 'no-ranges';
      readonly reason: string;
    };

/** Somebody waits for the answer. */
const LIMITS = { attempts: 2, responseTimeoutMs: 8000, idleTimeoutMs: 8000 } as const;

/**
 * Writes an object of two bytes, tries to write over it, reads a part of it, and removes it. It lies where bytes without a name are
 * swept, should it stay. `prefix` is that of the store.
 */
export async function inspectBucket({
  prefix,
  ...options
}: S3Options & { readonly prefix: string }): Promise<BucketReport> {
  const client = createS3Client({ ...options, limits: { ...LIMITS, ...options.limits } });
  const key = `${prefix}${BYTES_PREFIX}${crypto.randomUUID()}`;
  const write = async (text: string): Promise<number> => {
    const body = new TextEncoder().encode(text);
    const response = await client.send({
      method: 'PUT',
      key,
      headers: { 'if-none-match': '*' },
      body,
      bodySha256: await sha256(body),
      acceptedStatuses: [412],
    });
    await response.body?.cancel();
    return response.status;
  };
  try {
    await write('ab');
    try {
      if ((await write('cd')) !== 412)
        return { works: false, problem: 'overwrites', reason: 'it writes over what is there' };
      const part = await client.text({ method: 'GET', key, headers: { range: 'bytes=1-1' } });
      return part === 'b'
        ? { works: true }
        : {
            works: false,
            problem: 'no-ranges',
            reason: 'it does not answer with the range that was asked for',
          };
    } finally {
      await client.text({ method: 'DELETE', key, acceptedStatuses: [404] });
    }
  } catch (error) {
    const found = asStoreError(error);
    const reason = found instanceof StoreError ? found.message : 'it cannot be asked';
    return { works: false, problem: 'unreachable', reason };
  }
}
