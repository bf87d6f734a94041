/** Requests of jobs, as stored by the API. */
import type { JobMemo } from '../../schema/job.ts';
import { SummaryRequest, type SummaryRequestInput } from '../../schema/request.ts';
import { REQUEST_VERSION, type StoredRequest } from '../../schema/stored-request.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { requestName } from '../../store/names.ts';

/** Stores the request of the job `jobId` and replaces an earlier one. */
export async function putRequest(
  store: BlobStore,
  jobId: string,
  request: SummaryRequestInput,
  { hasTranscript }: Pick<StoredRequest, 'hasTranscript'> = {},
): Promise<SummaryRequest> {
  const parsed = SummaryRequest.parse(request);
  const record: StoredRequest = {
    version: REQUEST_VERSION,
    tenant: 'test',
    fingerprint: 'f',
    request: parsed,
    ...(hasTranscript && { hasTranscript }),
  };
  await store.delete(requestName(jobId));
  await store.put(requestName(jobId), new TextEncoder().encode(JSON.stringify(record)));
  return parsed;
}

/** Returns the memo with which a job of `tenant` starts. */
export function newMemo(
  tenant: string,
  fingerprint: string,
  priority: JobMemo['priority'] = 'normal',
): JobMemo {
  return { tenant, fingerprint, priority, createdAt: new Date().toISOString() };
}
