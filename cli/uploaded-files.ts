/** The files that `frameloom summarize` uploads for a job of its own. They are deleted with the job. */
import { ApiError, type FrameloomClient } from '../client/index.ts';
import { sourceFileIds } from '../schema/request.ts';

/** Metadata of a job whose files were uploaded for it alone. */
export const UPLOADED_FOR_JOB = { uploaded_by: 'frameloom summarize' } as const;

/**
 * Deletes the files that were uploaded for the job `id`. A job that has read one of them keeps its bytes.
 * Throws ApiError, and the reason of `signal` once it aborts.
 */
export async function deleteUploadedFiles(
  client: FrameloomClient,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const job = await unlessGone(client.getSummary(id, { signal }));
  if (job?.metadata.uploaded_by !== UPLOADED_FOR_JOB.uploaded_by) return;
  for (const file of new Set(sourceFileIds(job.request.source)))
    await unlessGone(client.deleteFile(file, { signal }));
}

/** Undefined for what was deleted before, perhaps by a deletion that was interrupted, or has expired. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.problem.code === 'not_found') return undefined;
    throw error;
  }
}
