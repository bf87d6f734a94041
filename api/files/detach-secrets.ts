/**
 * Removes from a request what must not travel with it: passwords and transcripts become artifacts of the job,
 * which are deleted with it. A reference replaces a password, so no history, memo, log or response
 * contains it. The rest is stored as the request of the job. Temporal gets only the id of the job.
 */
import { canonicalJson, hex } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import type { JobId } from '../../schema/ids.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import { REQUEST_VERSION, type StoredRequest } from '../../schema/stored-request.ts';
import { requireVersion } from '../../schema/versioned.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { REFERENCE_KEY, requestName, requestTranscriptName, secretName } from '../../store/names.ts';
import { readJson } from '../jobs/index.ts';

/** A request without its passwords, and the password of each reference in it. */
export interface ReferencedRequest {
  readonly request: SummaryRequest;
  readonly secrets: ReadonlyMap<string, string>;
}

/**
 * Puts references in place of passwords. The same password of the same tenant has the same reference, so
 * equal requests stay equal; without the key in the store nobody can find the password by trying.
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

/** A request without its transcript, as it is stored. */
export type DetachedRequest = Pick<StoredRequest, 'request' | 'hasTranscript'>;

/**
 * Stores the passwords and the transcript of a request as artifacts of its job. Returns the rest. Throws
 * StoreError.
 */
export async function detachSecrets(
  store: BlobStore,
  jobId: JobId,
  { request, secrets }: ReferencedRequest,
): Promise<DetachedRequest> {
  for (const [reference, secret] of secrets) {
    await store.put(secretName(jobId, reference), new TextEncoder().encode(secret));
  }
  const { transcript } = request;
  if (transcript !== undefined) {
    const text = typeof transcript === 'string' ? transcript : JSON.stringify(transcript);
    await store.put(requestTranscriptName(jobId, 'sent'), new TextEncoder().encode(text));
  }
  return withoutTranscript(request);
}

/**
 * Stores the request of the job `jobId` with all that belongs to it. The first request under an id stands:
 * throws `idempotency_conflict`, and stores nothing, where that is another one. Throws StoreError.
 */
export async function storeRequest(
  store: BlobStore,
  tenant: string,
  jobId: JobId,
  { fingerprint, ...referenced }: ReferencedRequest & { readonly fingerprint: string },
): Promise<void> {
  const detached = withoutTranscript(referenced.request);
  const record: StoredRequest = { version: REQUEST_VERSION, tenant, fingerprint, ...detached };
  await store.put(requestName(jobId), new TextEncoder().encode(canonicalJson(record)));
  requireSameRequest(await readRequest(store, jobId), fingerprint);
  await detachSecrets(store, jobId, referenced);
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
async function readRequest(store: BlobStore, jobId: JobId): Promise<StoredRequest> {
  const name = requestName(jobId);
  return requireVersion<StoredRequest>(await readJson(store, name), REQUEST_VERSION, name);
}

function withoutTranscript({ transcript, ...request }: SummaryRequest): DetachedRequest {
  return transcript === undefined ? { request } : { request, hasTranscript: true };
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
