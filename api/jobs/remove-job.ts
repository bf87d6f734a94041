/**
 * Removes a job with all its content. The removal is recorded before it begins: if it is interrupted, the same
 * request completes it, or the next start of the server, or the next garbage collection.
 */
import { FrameloomError } from '../../core/errors.ts';
import { JobId } from '../../schema/ids.ts';
import { REQUEST_VERSION, type StoredRequest } from '../../schema/stored-request.ts';
import { requireVersion } from '../../schema/versioned.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { REMOVALS, removalName, requestName } from '../../store/names.ts';
import { removeJob } from '../../store/remove.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
import type { ApiDeps } from '../app/index.ts';
import { readJson } from './job-view.ts';
import { redactLine } from './redact-line.ts';

/** How long a running job may take to end after its cancellation. Its workflow is ended after that. */
const CANCEL_TIMEOUT_MS = 5000;
const CANCEL_POLL_MS = 50;
/** How long a new job waits for the removal of an earlier one with its id. */
const REMOVAL_TIMEOUT_MS = 10_000;
const REMOVAL_POLL_MS = 100;

interface Removal {
  readonly tenant: string;
}

type RemovalDeps = Pick<ApiDeps, 'orchestrator' | 'store' | 'clock'>;

/**
 * Removes the job `id` of the tenant, also if it runs.
 *
 * @throws FrameloomError `not_found` if the tenant has no such job and no removal of it was interrupted
 */
export async function removeJobOf(deps: RemovalDeps, tenant: string, id: JobId): Promise<void> {
  const { orchestrator, store } = deps;
  const record = await orchestrator.describe(id);
  const isOwn = record?.memo.tenant === tenant;
  const begun = await findRemoval(store, id);
  if (!isOwn && begun?.tenant !== tenant) throw new FrameloomError('not_found', 'No such job.');
  await store.put(removalName(id), new TextEncoder().encode(JSON.stringify({ tenant } satisfies Removal)));
  if (record && isOwn) await end(deps, record);
  await complete(deps, id);
}

/** Waits until no removal of `id` is in progress: a new job may have the id of a deleted one. */
export async function waitForRemoval(deps: RemovalDeps, id: JobId): Promise<void> {
  const { store, clock } = deps;
  const until = clock.now() + REMOVAL_TIMEOUT_MS;
  while (await findRemoval(store, id)) {
    if (clock.now() >= until) return await complete(deps, id);
    await clock.sleep(REMOVAL_POLL_MS);
  }
}

/** Completes the removals that were interrupted. Returns how many there were. */
export async function resumeRemovals(deps: RemovalDeps): Promise<number> {
  const names: string[] = [];
  for await (const name of deps.store.list(REMOVALS)) names.push(name);
  for (const name of names) await complete(deps, JobId.parse(name.slice(REMOVALS.length, -'.json'.length)));
  return names.length;
}

async function complete({ orchestrator, store, clock }: RemovalDeps, id: JobId): Promise<void> {
  await orchestrator.delete(id);
  const stored = await findStored(store, id);
  if (stored?.line) await redactLine({ store, clock }, stored.line);
  await removeJob(store, id);
  await store.delete(removalName(id));
}

/** Cancels a job that runs and waits for its end: an orderly end is quick, and workers stop at once. */
async function end({ orchestrator, clock }: RemovalDeps, record: JobRecord): Promise<void> {
  if (isClosed(record)) return;
  await orchestrator.cancel(record.id);
  for (const until = clock.now() + CANCEL_TIMEOUT_MS; clock.now() < until; ) {
    const latest = await orchestrator.describe(record.id);
    if (!latest || isClosed(latest)) return;
    await clock.sleep(CANCEL_POLL_MS);
  }
}

async function findStored(store: BlobStore, id: JobId): Promise<StoredRequest | undefined> {
  const name = requestName(id);
  if ((await store.head(name)) === undefined) return undefined;
  return requireVersion<StoredRequest>(await readJson(store, name), REQUEST_VERSION, name);
}

async function findRemoval(store: BlobStore, id: JobId): Promise<Removal | undefined> {
  const name = removalName(id);
  if ((await store.head(name)) === undefined) return undefined;
  return (await readJson(store, name)) as Removal; // written above
}
