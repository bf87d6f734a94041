/** Publishes a body of any length. Needs the memory of two parts. */
import { type ArtifactBody, type StoredArtifact, StoreError } from '../artifact-store.ts';
import { sha256 } from './client.ts';
import { S3Failure, S3Interrupted } from './failure.ts';
import { type BucketObjects, BYTES_PREFIX, metadataOf, type StoredObject } from './objects.ts';
import { elementText, escapeXml } from './xml.ts';

/** An incremental SHA-256. WebCrypto has none, so each runtime provides its own. */
export interface IncrementalHash {
  update(bytes: Uint8Array): void | Promise<void>;
  hex(): string | Promise<string>;
}

export interface UploadOptions {
  readonly objects: BucketObjects;
  readonly createSha256: () => IncrementalHash;
  readonly partBytes: number;
  readonly maxBytes: number;
  /** Returns the artifact name for a hex SHA-256. */
  readonly nameOf: (sha256: string) => string;
}

/**
 * Publishes `body` and returns the artifact that exists under the name afterwards.
 *
 * @throws StoreError `too_large`; S3Failure, S3Interrupted; the error of `body`.
 */
export async function publish(body: ArtifactBody, options: UploadOptions): Promise<StoredArtifact> {
  if (body instanceof Uint8Array) {
    requireMaxBytes(body.byteLength, options.maxBytes);
    return publishSmall(body, options);
  }
  const parts = splitIntoParts(body, options);
  const first = await parts.next();
  if (first.done) return publishSmall(new Uint8Array(), options);
  const second = await parts.next();
  if (second.done) return publishSmall(first.value, options);
  return publishLarge(first.value, second.value, parts, options);
}

async function publishSmall(body: Uint8Array, { objects, nameOf }: UploadOptions): Promise<StoredArtifact> {
  const hash = await sha256(body);
  const name = nameOf(hash);
  const { artifact } = await publishObject(objects, name, body, hash, metadataOf(hash));
  return artifact;
}

/** The conditional put that makes an artifact visible. `object` is set if another writer was first. */
async function publishObject(
  objects: BucketObjects,
  name: string,
  body: Uint8Array,
  bodySha256: string,
  metadata: Record<string, string>,
): Promise<{ readonly artifact: StoredArtifact; readonly object?: StoredObject }> {
  const { client, keyOf, head } = objects;
  // Two attempts, because the existing object may be removed before it is read.
  for (let attempt = 1; ; attempt++) {
    const request = {
      method: 'PUT',
      key: keyOf(name),
      headers: { ...metadata, 'if-none-match': '*' },
      body,
      bodySha256,
      acceptedStatuses: [412],
    } as const;
    const response = await client.send(request).catch((error: unknown) => {
      if (error instanceof S3Interrupted) return error;
      throw error;
    });
    if (response instanceof S3Interrupted) {
      // Some servers answer 412 before they have read a large body, and close the connection.
      const object = await head(name);
      if (object) return { artifact: toStoredArtifact(object), object };
      throw response;
    }
    await response.body?.cancel();
    if (response.status !== 412) {
      const bytes = Number(metadata['x-amz-meta-bytes'] ?? body.byteLength);
      const hash = metadata['x-amz-meta-sha256'] ?? bodySha256;
      return { artifact: { name, bytes, sha256: hash, modified: Date.now() } };
    }
    const object = await head(name);
    if (object) return { artifact: toStoredArtifact(object), object };
    if (attempt === 2) throw new S3Failure('PUT', 409, 'ConditionalRequestConflict');
  }
}

export function toStoredArtifact({ bytesKey: _, ...artifact }: StoredObject): StoredArtifact {
  return artifact;
}

async function publishLarge(
  first: Uint8Array,
  second: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
  { objects, createSha256, nameOf }: UploadOptions,
): Promise<StoredArtifact> {
  const { client, keyOf } = objects;
  const bytesKey = `${BYTES_PREFIX}${crypto.randomUUID()}`;
  const key = keyOf(bytesKey);
  const started = await client.text({ method: 'POST', key, query: { uploads: '' } });
  const uploadId = elementText(started, 'UploadId') ?? '';
  const hash = createSha256();
  const etags: string[] = [];
  let bytes = 0;
  const send = async (part: Uint8Array): Promise<void> => {
    await hash.update(part);
    bytes += part.byteLength;
    const query = { partNumber: String(etags.length + 1), uploadId };
    const response = await client.send({ method: 'PUT', key, query, body: part });
    await response.body?.cancel();
    etags.push(response.headers.get('etag') ?? '');
  };
  try {
    await send(first);
    await send(second);
    for await (const part of rest) await send(part);
    await completeUpload(objects, bytesKey, uploadId, etags);
  } catch (error) {
    await rest.return(undefined);
    // If this fails, a later sweep aborts the upload.
    await client
      .send({ method: 'DELETE', key, query: { uploadId }, acceptedStatuses: [404] })
      .catch(() => undefined);
    throw error;
  }
  const sum = await hash.hex();
  return await publishBytes(objects, { name: nameOf(sum), sha256: sum, bytes, key: bytesKey });
}

/** Publishes bytes at a separate key as an artifact. If another writer was first, the bytes are removed. */
export async function publishBytes(
  objects: BucketObjects,
  large: { readonly name: string; readonly sha256: string; readonly bytes: number; readonly key: string },
): Promise<StoredArtifact> {
  const metadata = metadataOf(large.sha256, large);
  const { artifact, object } = await publishObject(objects, large.name, new Uint8Array(), EMPTY, metadata);
  // Another writer was first, unless it was an earlier attempt whose response was lost.
  if (object && object.bytesKey !== large.key) await objects.remove(large.key).catch(() => undefined);
  return artifact;
}

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * Completes a multipart upload. S3 sends the status early, so that a response with status 200 may contain an
 * error.
 */
export async function completeUpload(
  { client, keyOf, head }: BucketObjects,
  bytesKey: string,
  uploadId: string,
  etags: readonly string[],
): Promise<void> {
  const parts = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  const body = new TextEncoder().encode(
    `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`,
  );
  const request = { method: 'POST', key: keyOf(bytesKey), query: { uploadId }, body } as const;
  try {
    const response = await client.text(request);
    const code = elementText(response, 'Code');
    if (response.includes('<Error') && code !== undefined) throw new S3Failure('POST', 500, code);
  } catch (error) {
    // An earlier attempt may have succeeded although its response was lost.
    const isGone = error instanceof S3Failure && error.code === 'NoSuchUpload';
    if (!isGone || (await head(bytesKey)) === undefined) throw error;
  }
}

/** Splits a body into parts of `partBytes`. Only the last one may be shorter. */
async function* splitIntoParts(
  body: AsyncIterable<Uint8Array>,
  { partBytes, maxBytes }: UploadOptions,
): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let bufferedBytes = 0;
  let total = 0;
  for await (const chunk of body) {
    total += chunk.byteLength;
    requireMaxBytes(total, maxBytes);
    let rest = chunk;
    while (bufferedBytes + rest.byteLength >= partBytes) {
      const used = partBytes - bufferedBytes;
      yield concatenate([...chunks, rest.subarray(0, used)], partBytes);
      rest = rest.subarray(used);
      chunks = [];
      bufferedBytes = 0;
    }
    if (rest.byteLength > 0) {
      chunks.push(rest);
      bufferedBytes += rest.byteLength;
    }
  }
  if (bufferedBytes > 0) yield concatenate(chunks, bufferedBytes);
}

function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function requireMaxBytes(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new StoreError('too_large', `longer than ${maxBytes} bytes`);
}
