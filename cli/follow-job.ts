/** Following a job to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiError, FrameloomClient } from '../client/index.ts';
import { isFinalStatus, type Job } from '../schema/job.ts';
import { type CommandContext, EXIT_CODES, printLine } from './context.ts';
import { formatResult, type ProgressView } from './output/index.ts';

/** The last event may be readable a moment before the state it leads to. */
const SETTLE_MS = 50;

/** Shows the events of a job and answers it as it ended. Throws ApiError, and the reason of `signal` once it aborts. */
export async function followJob(
  client: FrameloomClient,
  id: string,
  view: ProgressView,
  signal: AbortSignal,
): Promise<Job> {
  for await (const event of client.streamEvents(id, { signal, onQueueUpdate: view.showQueuePosition }))
    view.showEvent(event);
  for (;;) {
    const job = await client.getSummary(id, { signal });
    if (isFinalStatus(job.status)) return job;
    await sleep(SETTLE_MS, undefined, { signal });
  }
}

/** Prints how a job ended: its result on stdout, what went wrong on stderr. Answers the exit code. */
export function printOutcome(job: Job, { stdout, stderr }: CommandContext, json: boolean): number {
  if (job.result !== null)
    printLine(stdout, json ? JSON.stringify(job.result, null, 2) : formatResult(job.result));
  if (job.error !== null) printLine(stderr, `frameloom: ${job.error.message}\n${job.error.hint}`);
  if (job.status === 'cancelled') printLine(stderr, 'frameloom: the job was cancelled.');
  if (job.status === 'completed') return EXIT_CODES.complete;
  return job.status === 'completed_with_gaps' ? EXIT_CODES.gaps : EXIT_CODES.failed;
}

/** Prints a problem that the server answered with. Answers the exit code. */
export function printProblem(error: ApiError, { stderr }: CommandContext): number {
  const { code, detail, hint } = error.problem;
  printLine(stderr, `frameloom: ${detail}\n${hint}`);
  return code === 'invalid_request' ? EXIT_CODES.usage : EXIT_CODES.failed;
}
