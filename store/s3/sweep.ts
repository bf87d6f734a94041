/** Removes what killed writers left in a bucket: unfinished uploads, and bytes without an artifact name. */
import { type BucketObjects, BYTES_PREFIX } from './objects.ts';
import { elements, elementText } from './xml.ts';

export interface SweepResult {
  readonly removed: number;
  readonly bytes: number;
}

/** Aborts unfinished uploads that were started before `before`, in milliseconds since the epoch. */
export async function abortStaleUploads(
  { client, keyOf }: BucketObjects,
  before: number,
): Promise<SweepResult> {
  let removed = 0;
  let next: Record<string, string> = {};
  for (;;) {
    const xml = await client.text({
      method: 'GET',
      query: { uploads: '', prefix: keyOf(BYTES_PREFIX), ...next },
    });
    for (const upload of elements(xml, 'Upload')) {
      const key = elementText(upload, 'Key') ?? '';
      const uploadId = elementText(upload, 'UploadId') ?? '';
      // Some servers ignore the prefix.
      if (
        !key.startsWith(keyOf(BYTES_PREFIX)) ||
        Date.parse(elementText(upload, 'Initiated') ?? '') >= before
      )
        continue;
      await client.text({ method: 'DELETE', key, query: { uploadId }, acceptedStatuses: [404] });
      removed += 1;
    }
    const keyMarker = elementText(xml, 'NextKeyMarker');
    if (elementText(xml, 'IsTruncated') !== 'true' || !keyMarker) return { removed, bytes: 0 };
    next = { 'key-marker': keyMarker, 'upload-id-marker': elementText(xml, 'NextUploadIdMarker') ?? '' };
  }
}

/**
 * Removes bytes older than `before` to which no artifact name refers. A writer publishes the name right after
 * the last byte, hence old bytes without a name stay without one. Names are listed after the bytes, and only
 * if there are such bytes, which is rare if artifacts are small.
 */
export async function removeOrphanedBytes(objects: BucketObjects, before: number): Promise<SweepResult> {
  const orphaned = new Map<string, number>();
  for await (const { name, bytes, modified } of objects.list(BYTES_PREFIX)) {
    if (modified < before) orphaned.set(name, bytes);
  }
  if (orphaned.size === 0) return { removed: 0, bytes: 0 };
  for await (const { name, bytes } of objects.list('', AFTER_BYTES)) {
    const key = bytes === 0 ? (await objects.head(name))?.bytesKey : undefined;
    if (key !== undefined) orphaned.delete(key);
  }
  let total = 0;
  for (const [name, bytes] of orphaned) {
    await objects.remove(name);
    total += bytes;
  }
  return { removed: orphaned.size, bytes: total };
}

/** Sorts after every key with `BYTES_PREFIX` and before every artifact name. */
export const AFTER_BYTES = '.~';
