/** Finds what killed writers left in a bucket: uploads that were never completed, and bytes without a name. */
import { BYTES, type Objects } from './objects.ts';
import { elements, textOf } from './xml.ts';

export interface Swept {
  readonly removed: number;
  readonly bytes: number;
}

/** Takes back uploads that were begun before `before`. */
export async function abortUploads({ client, keyOf }: Objects, before: number): Promise<Swept> {
  let removed = 0;
  let next: Record<string, string> = {};
  for (;;) {
    const xml = await client.text({ method: 'GET', query: { uploads: '', prefix: keyOf(BYTES), ...next } });
    for (const upload of elements(xml, 'Upload')) {
      const key = textOf(upload, 'Key') ?? '';
      const uploadId = textOf(upload, 'UploadId') ?? '';
      // Some servers ignore the prefix.
      if (!key.startsWith(keyOf(BYTES)) || Date.parse(textOf(upload, 'Initiated') ?? '') >= before) continue;
      await client.text({ method: 'DELETE', key, query: { uploadId }, expect: [404] });
      removed += 1;
    }
    const keyMarker = textOf(xml, 'NextKeyMarker');
    if (textOf(xml, 'IsTruncated') !== 'true' || !keyMarker) return { removed, bytes: 0 };
    next = { 'key-marker': keyMarker, 'upload-id-marker': textOf(xml, 'NextUploadIdMarker') ?? '' };
  }
}

/**
 * Removes bytes older than `before` to which no name leads. A writer publishes the name right after the last byte, so that what is
 * old and nameless stays nameless. Names are listed after the bytes were; without any such bytes, which is the rule where artifacts
 * are small, they are not listed at all.
 */
export async function removeNameless(objects: Objects, before: number): Promise<Swept> {
  const nameless = new Map<string, number>();
  for await (const { name, bytes, modified } of objects.list(BYTES)) {
    if (modified < before) nameless.set(name, bytes);
  }
  if (nameless.size === 0) return { removed: 0, bytes: 0 };
  for await (const { name, bytes } of objects.list('', AFTER_BYTES)) {
    const key = bytes === 0 ? (await objects.head(name))?.bytesKey : undefined;
    if (key !== undefined) nameless.delete(key);
  }
  let total = 0;
  for (const [name, bytes] of nameless) {
    await objects.remove(name);
    total += bytes;
  }
  return { removed: nameless.size, bytes: total };
}

/** Every artifact name sorts after this, and every key of bytes before. */
export const AFTER_BYTES = '.~';
