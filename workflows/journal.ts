/**
 * The event log and the progress of a job. Events get their numbers here, from 1 on, and are appended in batches: while one batch
 * is being written the next one gathers. Progress goes into the memo with each batch, where it can be read without any worker.
 */
import { condition, sleep, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { JobEvent } from '../schema/events.ts';
import type { JobId } from '../schema/ids.ts';
import type { JobMemo, JobOutcome, Progress } from '../schema/job.ts';
import { local } from './activities.ts';

/** Most events in one batch: keeps a batch of long captions under 64 KB. */
const BATCH = 10;

/** An event before it has a number, a time and the progress. */
export type NewEvent = JobEvent extends infer E
  ? E extends JobEvent
    ? Omit<E, 'id' | 'time' | 'progress'>
    : never
  : never;

export interface Journal {
  /** Appends an event; percent never falls. Answers at once. */
  emit(event: NewEvent, progress?: Partial<Progress>): void;
  /** Adds to the memo. */
  note(memo: Partial<JobMemo>): void;
  /** Puts the outcome into the memo, then the last event into the log: whoever sees the event finds the outcome. */
  close(outcome: JobOutcome, event: NewEvent, progress?: Partial<Progress>): Promise<void>;
}

export function openJournal(jobId: JobId): Journal {
  const run = workflowInfo().runId;
  let progress: Progress = { percent: 0, stage: 'queued', segments: { total: 0, done: 0, failed: 0 } };
  let nextId = 1;
  let writing = false;
  const waiting: JobEvent[] = [];

  async function write(): Promise<void> {
    writing = true;
    try {
      while (waiting.length > 0) {
        upsertMemo({ progress });
        await local.appendEvents({ jobId, run, events: waiting.splice(0, BATCH) });
      }
    } finally {
      writing = false;
    }
  }

  /** Waits until every event so far is in the log. */
  async function flush(): Promise<void> {
    await condition(() => !writing);
    await write();
  }

  function advance(change: Partial<Progress>): void {
    progress = { ...progress, ...change, percent: Math.max(progress.percent, change.percent ?? 0) };
  }

  function append(event: NewEvent): void {
    waiting.push({ ...event, id: nextId, time: new Date().toISOString(), progress } as JobEvent); // a NewEvent and what it lacks
    nextId += 1;
  }

  return {
    emit(event, change = {}) {
      advance(change);
      append(event);
      // A log that cannot be written is tried again by its retry policy without end; only cancellation ends it, and closing, which
      // cannot be cancelled, writes the rest.
      if (!writing) write().catch(() => undefined);
    },
    note(memo) {
      upsertMemo({ ...memo });
    },
    async close(outcome, event, change = {}) {
      await flush();
      advance(change);
      upsertMemo({ progress, outcome });
      // The memo leaves with the end of this workflow task, a local activity would run before it: let the task end first.
      await sleep(1);
      append(event);
      await flush();
    },
  };
}
