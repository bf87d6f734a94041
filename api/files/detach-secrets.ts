/**
 * What of a request must not travel as it is. A password goes into the store, below its job, and a reference takes its place: so it
 * is in no history, memo, log or answer. A transcript goes into a file, since payloads are small.
 */
import { hex } from '../../core/canonical-json.ts';
import { fileIdFor, type JobId } from '../../schema/ids.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { REFERENCE_KEY, secretName } from '../../store/names.ts';
import { keepFile } from './file-records.ts';

/** A request without its passwords, and what each reference in it stands for. */
export interface ReferencedRequest {
  readonly request: SummaryRequest;
  readonly secrets: ReadonlyMap<string, string>;
}

/**
 * Puts references in place of passwords. The same password of the same tenant has the same reference, so that equal requests stay
 * equal; without the key in the store nobody can tell by trying what it stands for.
 */
export async function referPasswords(
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

/** Stores what the references stand for, and the transcript as a file; answers the request as it travels. */
export async function sealRequest(
  { store, clock }: { readonly store: BlobStore; readonly clock: { now(): number } },
  tenant: string,
  jobId: JobId,
  { request, secrets }: ReferencedRequest,
): Promise<SummaryRequest> {
  for (const [reference, secret] of secrets) {
    await store.put(secretName(jobId, reference), new TextEncoder().encode(secret));
  }
  const { transcript, ...rest } = request;
  if (transcript === undefined || rest.source.type !== 'video') return request;
  const text = typeof transcript === 'string' ? transcript : JSON.stringify(transcript);
  const file = await keepFile(store, tenant, {
    id: await fileIdFor(tenant, `transcript of ${jobId}`),
    filename: typeof transcript === 'string' ? 'transcript.txt' : 'transcript.json',
    body: new TextEncoder().encode(text),
    now: clock.now(),
  });
  return { ...rest, source: { ...rest.source, subtitles: { file_id: file.id } } };
}

async function referenceOf(store: BlobStore, tenant: string, password: string): Promise<string> {
  // Whoever comes first makes the key; a second put changes nothing.
  if ((await store.head(REFERENCE_KEY)) === undefined) {
    await store.put(REFERENCE_KEY, crypto.getRandomValues(new Uint8Array(32)));
  }
  const bytes = new Uint8Array(await store.bytes(REFERENCE_KEY));
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const message = new TextEncoder().encode(JSON.stringify([tenant, password]));
  return `secret_${hex(new Uint8Array(await crypto.subtle.sign('HMAC', key, message)))}`;
}
