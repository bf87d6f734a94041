/**
 * The request of a job. Temporal carries only the job's id, so activities that need the request read it from
 * the store.
 */
import type { SummaryRequest } from '../../schema/request.ts';
import { REQUEST_VERSION, type StoredRequest } from '../../schema/stored-request.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { requestName } from '../../store/names.ts';
import { getVersioned } from './artifacts.ts';

/** Returns the record of the request that the job `jobId` was started with. Throws StoreError. */
export function readStoredRequest(store: ArtifactStore, jobId: string): Promise<StoredRequest> {
  return getVersioned<StoredRequest>(store, requestName(jobId), REQUEST_VERSION);
}

/** Returns the request that the job `jobId` was started with. Throws StoreError. */
export async function readRequest(store: ArtifactStore, jobId: string): Promise<SummaryRequest> {
  return (await readStoredRequest(store, jobId)).request;
}
