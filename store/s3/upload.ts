/** Publishes a body of any length in the memory of one part. */
import { type ArtifactBody, type StoredArtifact, StoreError } from '../artifact-store.ts';
import { sha256 } from './client.ts';
import { S3Failure } from './failure.ts';
import { BYTES_PREFIX, metadataOf, type BucketObjects, type StoredObject } from './objects.ts';
import { escapeXml, elementText } from './xml.ts';

/** A running SHA-256. WebCrypto has none, so that each runtime brings its own. */
export interface IncrementalHash {
  update(bytes: Uint8Array): void | Promise<void>;
  hex(): string | Promise<string>;
}

export interface UploadOptions {
  readonly objects: BucketObjects;
  readonly createSha256: () => IncrementalHash;
  readonly partBytes: number;
  readonly maxBytes: number;
  /** The name for a hash. */
  readonly nameOf: (sha256: string) => string;
}

/** Publishes `body` and answers what stands under the name afterwards. Throws `too_large`, S3Failure, S3Interrupted, what `body` throws. */
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

/** The conditional put that makes an artifact visible. `object` is that of another writer where one was first. */
async function publishObject(
  objects: BucketObjects,
  name: string,
  body: Uint8Array,
  bodySha256: string,
  metadata: Record<string, string>,
): Promise<{ readonly artifact: StoredArtifact; readonly object?: StoredObject }> {
  const { client, keyOf, head } = objects;
  // Twice: what was first may be removed before it is looked at.
  for (let attempt = 1; ; attempt++) {
    const response = await client.send({
      method: 'PUT',
      key: keyOf(name),
      headers: { ...metadata, 'if-none-match': '*' },
      body,
      bodySha256,
      acceptedStatuses: [412],
    });
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
    // What cannot be taken back now is swept later.
    await client.send({ method: 'DELETE', key, query: { uploadId }, acceptedStatuses: [404] }).catch(() => undefined);
    throw error;
  }
  const sum = await hash.hex();
  return await publishBytes(objects, { name: nameOf(sum), sha256: sum, bytes, key: bytesKey });
}

/** Makes bytes that are at a key of their own an artifact. They go where another writer was first. */
export async function publishBytes(
  objects: BucketObjects,
  large: { readonly name: string; readonly sha256: string; readonly bytes: number; readonly key: string },
): Promise<StoredArtifact> {
  const metadata = metadataOf(large.sha256, large);
  const { artifact, object } = await publishObject(objects, large.name, new Uint8Array(), EMPTY, metadata);
  // Somebody else was first, unless that was an earlier try of ours whose answer was lost.
  if (object && object.bytesKey !== large.key) await objects.remove(large.key).catch(() => undefined);
  return artifact;
}

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Makes one object of the parts. Its answer may be a failure in spite of a good status, as S3 begins it before it is done. */
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
    const answer = await client.text(request);
    const code = elementText(answer, 'Code');
    if (answer.includes('<Error') && code !== undefined) throw new S3Failure('POST', 500, code);
  } catch (error) {
    // A try before may have gone through without its answer.
    const isGone = error instanceof S3Failure && error.code === 'NoSuchUpload';
    if (!isGone || (await head(bytesKey)) === undefined) throw error;
  }
}

/** Cuts a body into parts that are full but for the last. */
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
