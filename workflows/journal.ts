/**
 * The event log and the progress of a job. Events get their numbers here, from 1 on, and are appended in batches: while one batch
 * is being written the next one gathers. Progress goes into the memo with each batch, where it can be read without any worker.
 */
import { condition, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { JobEvent } from '../schema/events.ts';
import type { JobId } from '../schema/ids.ts';
import type { JobMemo, Progress } from '../schema/job.ts';
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
  progress(): Progress;
  /** Waits until every event so far is in the log. */
  flush(): Promise<void>;
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

  return {
    emit(event, change = {}) {
      progress = { ...progress, ...change, percent: Math.max(progress.percent, change.percent ?? 0) };
      waiting.push({ ...event, id: nextId, time: new Date().toISOString(), progress } as JobEvent); // a NewEvent and what it lacks
      nextId += 1;
      // A log that cannot be written is tried again by its retry policy without end; only cancellation ends it, and the last
      // flush, which cannot be cancelled, writes the rest.
      if (!writing) write().catch(() => undefined);
    },
    note(memo) {
      upsertMemo({ ...memo });
    },
    progress: () => progress,
    async flush() {
      await condition(() => !writing);
      await write();
    },
  };
}
