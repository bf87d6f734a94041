/** Tests whether a bucket supports conditional writes and ranges, which the store requires. */
import { StoreError } from '../artifact-store.ts';
import { createS3Client, type S3Options, sha256 } from './client.ts';
import { asStoreError } from './failure.ts';
import { BYTES_PREFIX } from './objects.ts';

/** Whether the bucket is usable, else the first problem. */
export type BucketReport =
  | { readonly works: true }
  | {
      readonly works: false;
      readonly problem: 'unreachable' | 'overwrites' | 'no-ranges';
      readonly reason: string;
    };

/** Short, because a user waits for the report. */
const LIMITS = { attempts: 2, responseTimeoutMs: 8000, idleTimeoutMs: 8000 } as const;

/**
 * Writes an object of two bytes, tries to overwrite it, reads a range of it, and removes it. `prefix` is that
 * of the store. If the removal fails, a later sweep removes the object. Does not throw for failures of the
 * bucket.
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
        return { works: false, problem: 'overwrites', reason: 'it overwrites existing objects' };
      const part = await client.text({ method: 'GET', key, headers: { range: 'bytes=1-1' } });
      return part === 'b'
        ? { works: true }
        : {
            works: false,
            problem: 'no-ranges',
            reason: 'it does not return the requested range',
          };
    } finally {
      await client.text({ method: 'DELETE', key, acceptedStatuses: [404] });
    }
  } catch (error) {
    const found = asStoreError(error);
    const reason = found instanceof StoreError ? found.message : 'it is not reachable';
    return { works: false, problem: 'unreachable', reason };
  }
}
