/** Removes jobs and files with all their content that no other job or file of the tenant needs. */
import type { BlobStore } from './artifact-store.ts';
import { fileName, jobPrefix, REMOVALS, requestName } from './names.ts';
import { releaseUses, removeAll } from './uses.ts';

/**
 * Removes a job: its request, what belongs to it alone, and what it made or found. The request goes first:
 * without it, nothing is written for the job any more. `holder` differs for an estimate. May be repeated after
 * a failure.
 *
 * @throws StoreError
 */
export async function removeJob(store: BlobStore, jobId: string, holder = jobId): Promise<void> {
  await store.delete(requestName(jobId));
  await removeAll(store, jobPrefix(jobId));
  for (const estimate of await releaseUses(store, holder))
    if (estimate !== holder) await removeJob(store, jobOfEstimate(estimate), estimate);
}

/** Completes the removals of jobs that began before `before`, in milliseconds since the epoch. */
export async function completeRemovals(store: BlobStore, before: number): Promise<void> {
  const interrupted: string[] = [];
  for await (const { name, modified } of store.entries(REMOVALS))
    if (modified < before) interrupted.push(name);
  for (const name of interrupted) {
    await removeJob(store, name.slice(REMOVALS.length, -'.json'.length));
    await store.delete(name);
  }
}

/** Removes a file. Jobs that have read it keep its bytes. @throws StoreError */
export async function removeFile(store: BlobStore, fileId: string): Promise<void> {
  for (const estimate of await releaseUses(store, fileId))
    await removeJob(store, jobOfEstimate(estimate), estimate);
  await store.delete(fileName(fileId));
}

/** The id that names the artifacts of an estimate. No job has it (schema/ids.ts). */
function jobOfEstimate(estimate: string): string {
  return estimate.replace(/^est_/, 'sum_');
}
