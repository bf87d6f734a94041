/** Follows a job to its end and prints the outcome. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiError, FrameloomClient } from '../client/index.ts';
import { isFinalStatus, type Job } from '../schema/job.ts';
import { type CommandContext, EXIT_CODES, printLine } from './context.ts';
import { formatResult, type ProgressView } from './output/index.ts';

/** The last event may be published a moment before the final status. */
const FINAL_STATUS_POLL_MS = 50;

/**
 * Shows the events of a job and returns the ended job. Throws ApiError, and the reason of `signal` once it
 * aborts.
 */
export async function followJob(
  client: FrameloomClient,
  id: string,
  view: ProgressView,
  signal: AbortSignal,
): Promise<Job> {
  for await (const event of client.streamEvents(id, { signal, onQueueUpdate: view.showQueuePosition }))
    view.showEvent(event);
  // Not `retry`: it waits for a status, and no request has failed.
  for (;;) {
    const job = await client.getSummary(id, { signal });
    if (isFinalStatus(job.status)) return job;
    await sleep(FINAL_STATUS_POLL_MS, undefined, { signal });
  }
}

/** Prints the result of an ended job on stdout and its error on stderr. Returns the exit code. */
export function printOutcome(job: Job, { stdout, stderr }: CommandContext, json: boolean): number {
  if (job.result !== null)
    printLine(stdout, json ? JSON.stringify(job.result, null, 2) : formatResult(job.result));
  if (job.error !== null) printLine(stderr, `frameloom: ${job.error.message}\n${job.error.hint}`);
  if (job.status === 'cancelled') printLine(stderr, 'frameloom: the job was cancelled.');
  if (job.status === 'completed') return EXIT_CODES.complete;
  return job.status === 'completed_with_gaps' ? EXIT_CODES.gaps : EXIT_CODES.failed;
}

/** Prints an error response of the server. Returns the exit code. */
export function printProblem(error: ApiError, { stderr }: CommandContext): number {
  const { code, detail, hint } = error.problem;
  printLine(stderr, `frameloom: ${detail}\n${hint}`);
  return code === 'invalid_request' ? EXIT_CODES.usage : EXIT_CODES.failed;
}
