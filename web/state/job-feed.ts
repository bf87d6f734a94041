/** Follows a job: loads it, replays and follows its events, and loads it again for the result. */
import { ApiError, type FrameloomClient } from '../../client/index.ts';
import type { Job, Progress } from '../../schema/job.ts';
import type { Problem } from '../../schema/problem.ts';
import { jobEvents } from './job-events.ts';
import { applyEvent, EMPTY_LOG, type JobLog } from './job-log.ts';
import { isSettled } from './job-view.ts';
import { pause } from './pause.ts';

export interface JobFeedState {
  readonly job: Job | undefined;
  readonly log: JobLog;
  /** Why the job could not be loaded. */
  readonly failure: Problem | undefined;
}

export const EMPTY_FEED: JobFeedState = { job: undefined, log: EMPTY_LOG, failure: undefined };

/** The last event may be published a moment before the final status. */
const MIN_DELAY_MS = 50;
const MAX_DELAY_MS = 10_000;

/**
 * Calls `publish` with each new state. Resolves when the job has ended or cannot be loaded, or `signal`
 * aborts.
 */
export async function followJob(
  client: FrameloomClient,
  id: string,
  signal: AbortSignal,
  publish: (state: JobFeedState) => void,
): Promise<void> {
  let state = EMPTY_FEED;
  const set = (change: Partial<JobFeedState>): void => {
    state = { ...state, ...change };
    if (!signal.aborted) publish(state);
  };
  const onQueueUpdate = (progress: Progress): void => set({ log: { ...state.log, progress } });
  let delay = MIN_DELAY_MS;
  // Not `retry`: events arrive between failures, and a loaded job stays visible after them.
  while (!signal.aborted) {
    try {
      const job = await client.getSummary(id, { signal });
      set({ job });
      const settled = isSettled(job.status);
      if (settled && (job.result || state.log.hasEnded)) return;
      for await (const event of jobEvents(client, id, { after: state.log.lastId, signal, onQueueUpdate })) {
        set({ log: applyEvent(state.log, event) });
        delay = MIN_DELAY_MS;
      }
      if (settled) return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      // A loaded job stays visible; following it continues after a retryable error.
      if (!state.job) return set({ failure: error.problem });
      if (!error.problem.retryable) return;
    }
    await pause(delay, signal);
    delay = Math.min(delay * 2, MAX_DELAY_MS);
  }
}
