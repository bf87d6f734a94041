/**
 * Takes out of a request what must not travel with it. A password becomes an artifact of its job and a reference takes its place,
 * so it is in no history, memo, log or response. A transcript becomes a file. The rest is stored as the request of the job, which
 * Temporal knows by the job's id alone.
 */
import { canonicalJson, hex } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { fileIdFor, type JobId } from '../../schema/ids.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import type { StoredRequest } from '../../schema/stored-request.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { REFERENCE_KEY, requestName, secretName } from '../../store/names.ts';
import { readJson } from '../jobs/index.ts';
import { storeFile } from './file-records.ts';

/** A request without its passwords, and the password of each reference in it. */
export interface ReferencedRequest {
  readonly request: SummaryRequest;
  readonly secrets: ReadonlyMap<string, string>;
}

/**
 * Puts references in place of passwords. The same password of the same tenant has the same reference, so equal requests stay
 * equal; without the key in the store nobody can find the password by trying.
 */
export async function replacePasswords(
  store: BlobStore,
  tenant: string,
  request: SummaryRequest,
): Promise<ReferencedRequest> {
  const { source } = request;
  const secrets = new Map<string, string>();
  async function refer(password: string): Promise<string> {
    const reference = await referenceOf(store, tenant, password);
    secrets.set(reference, password);
    return reference;
  }
  if (source.type === 'deck' && source.password !== undefined) {
    return {
      request: { ...request, source: { ...source, password: await refer(source.password) } },
      secrets,
    };
  }
  if (source.type === 'video' && source.deck?.password !== undefined) {
    const deck = { ...source.deck, password: await refer(source.deck.password) };
    return { request: { ...request, source: { ...source, deck } }, secrets };
  }
  return { request, secrets };
}

/** Stores the passwords and the transcript of a request, and returns the request with references to them. Throws StoreError. */
export async function detachSecrets(
  { store, clock }: { readonly store: BlobStore; readonly clock: { now(): number } },
  tenant: string,
  jobId: JobId,
  { request, secrets }: ReferencedRequest,
): Promise<SummaryRequest> {
  for (const [reference, secret] of secrets) {
    await store.put(secretName(jobId, reference), new TextEncoder().encode(secret));
  }
  const { transcript } = request;
  if (transcript === undefined || request.source.type !== 'video') return request;
  const text = typeof transcript === 'string' ? transcript : JSON.stringify(transcript);
  await storeFile(store, tenant, {
    id: await transcriptFileId(tenant, jobId),
    filename: typeof transcript === 'string' ? 'transcript.txt' : 'transcript.json',
    body: new TextEncoder().encode(text),
    now: clock.now(),
  });
  return await withTranscriptFile(tenant, jobId, request);
}

/**
 * Stores the request of the job `jobId` with all that belongs to it. The first request under an id stands: throws
 * `idempotency_conflict`, and stores nothing, where that is another one. Throws StoreError.
 */
export async function storeRequest(
  deps: { readonly store: BlobStore; readonly clock: { now(): number } },
  tenant: string,
  jobId: JobId,
  { fingerprint, ...referenced }: ReferencedRequest & { readonly fingerprint: string },
): Promise<void> {
  const request = await withTranscriptFile(tenant, jobId, referenced.request);
  const record: StoredRequest = { tenant, fingerprint, request };
  await deps.store.put(requestName(jobId), new TextEncoder().encode(canonicalJson(record)));
  requireSameRequest(await readRequest(deps.store, jobId), fingerprint);
  await detachSecrets(deps, tenant, jobId, referenced);
}

/** Throws `idempotency_conflict` where `stored` is another request than the one with this fingerprint. */
export function requireSameRequest(stored: Pick<StoredRequest, 'fingerprint'>, fingerprint: string): void {
  if (stored.fingerprint !== fingerprint)
    throw new FrameloomError('idempotency_conflict', 'This key was used with another request.');
}

/** The request of a job, or undefined where none is stored. Throws StoreError. */
export async function findRequest(store: BlobStore, jobId: JobId): Promise<StoredRequest | undefined> {
  return (await store.head(requestName(jobId))) === undefined ? undefined : readRequest(store, jobId);
}

/** The request of a job. Throws StoreError, `not_found` where none is stored. */
export async function readRequest(store: BlobStore, jobId: JobId): Promise<StoredRequest> {
  return (await readJson(store, requestName(jobId))) as StoredRequest; // written by storeRequest
}

/** The request with the file of its transcript in place of the transcript. */
async function withTranscriptFile(
  tenant: string,
  jobId: JobId,
  request: SummaryRequest,
): Promise<SummaryRequest> {
  const { transcript, source, ...rest } = request;
  if (transcript === undefined || source.type !== 'video') return request;
  return { ...rest, source: { ...source, subtitles: { file_id: await transcriptFileId(tenant, jobId) } } };
}

function transcriptFileId(tenant: string, jobId: JobId): ReturnType<typeof fileIdFor> {
  return fileIdFor(tenant, `transcript of ${jobId}`);
}

async function referenceOf(store: BlobStore, tenant: string, password: string): Promise<string> {
  // The first process to come makes the key; a second put changes nothing.
  if ((await store.head(REFERENCE_KEY)) === undefined) {
    await store.put(REFERENCE_KEY, crypto.getRandomValues(new Uint8Array(32)));
  }
  const bytes = new Uint8Array(await store.bytes(REFERENCE_KEY));
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const message = new TextEncoder().encode(JSON.stringify([tenant, password]));
  return `secret_${hex(new Uint8Array(await crypto.subtle.sign('HMAC', key, message)))}`;
}
