/**
 * The event log and the progress of a job. Events get their numbers here, from 1 on, and are appended in batches: while one batch
 * is being written the next one gathers. Progress goes into the memo with each batch, where it can be read without any worker.
 * A cancellation does not reach what happens here: an event that has its number gets into the log.
 */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobMemo, JobOutcome, Progress } from '../schema/job.ts';
import {
  type Consumption,
  costOf,
  NOTHING_SPENT,
  type Prices,
  plus,
  roundMoney,
  type Spending,
} from '../schema/money.ts';
import type { JobRef, JobState, LoggedEvent } from '../schema/stages.ts';
import { local } from './activities.ts';

/** Most events in one batch. */
const BATCH = 32;

/**
 * Waits until all that a workflow task brought has been taken in, so that its events make one batch: a batch costs a history
 * two events. Not by the clock: a workflow that is replayed must come to the same batches.
 */
async function restOfTask(): Promise<void> {
  let looks = 0;
  // Looked at once here and again when nothing else of the task is left to do.
  await condition(() => looks++ > 0);
}

/**
 * Ends the workflow task, and with it lets its commands go. A timer would do so too and takes a second at least; a signal to itself is
 * refused by the server at once, in a task of its own.
 */
async function nextTask(): Promise<void> {
  const itself = getExternalWorkflowHandle(workflowInfo().workflowId);
  await itself.signal('next-task').catch(() => undefined);
}

/** An event before it has a number, a time and the progress. */
export type NewEvent = LoggedEvent extends infer E
  ? E extends LoggedEvent
    ? Omit<E, 'id' | 'time' | 'progress'>
    : never
  : never;

/** What one run's journal leaves for that of the next. */
type Carried = Pick<JobState, 'nextEvent' | 'progress' | 'spending'>;

export interface Journal {
  /** Appends an event; percent never falls. Answers at once. */
  emit(event: NewEvent, progress?: Partial<Progress>): void;
  /** Adds to what the job has cost; it is in the memo with the next event. */
  charge(consumed: Consumption, prices: Prices | undefined): void;
  /** Notes how much video was taken in, likewise. */
  took(videoSeconds: number): void;
  /** What the run has cost so far. */
  spent(): number;
  /** Adds to the memo. */
  note(memo: Partial<JobMemo>): void;
  /** Waits until every event so far is in the log, and answers with what the next run goes on from. */
  rest(): Promise<Carried>;
  /** Puts the outcome into the memo, then the last event into the log: whoever sees the event finds the outcome. */
  close(outcome: JobOutcome, event: NewEvent, progress?: Partial<Progress>): Promise<void>;
}

export function openJournal(ref: JobRef, before?: Carried): Journal {
  let progress: Progress = before?.progress ?? {
    percent: 0,
    stage: 'queued',
    segments: { total: 0, done: 0, failed: 0 },
  };
  let nextId = before?.nextEvent ?? 1;
  let spending: Spending | undefined = before?.spending;
  let writing = false;
  const waiting: LoggedEvent[] = [];

  async function write(): Promise<void> {
    writing = true;
    try {
      while (waiting.length > 0) {
        await restOfTask();
        upsertMemo(noted());
        const batch = waiting.slice(0, BATCH);
        await local.appendEvents({ ...ref, events: batch });
        waiting.splice(0, batch.length);
      }
    } finally {
      writing = false;
    }
  }

  function noted(): Pick<JobMemo, 'progress' | 'spending'> & Record<string, unknown> {
    return { progress, ...(spending ? { spending } : {}) };
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
    waiting.push({ ...event, id: nextId, time: new Date().toISOString(), progress } as LoggedEvent); // a NewEvent and what it lacks
    nextId += 1;
  }

  return {
    emit(event, change = {}) {
      advance(change);
      append(event);
      // A log that cannot be written is tried again by its retry policy without end; what refuses an event stays for the next try.
      if (!writing) CancellationScope.nonCancellable(write).catch(() => undefined);
    },
    charge(consumed, prices) {
      const sum = spending ?? NOTHING_SPENT;
      const cost = roundMoney(sum.cost + costOf(prices, consumed));
      spending = { ...plus(sum, consumed), cost, ...(prices ? { currency: prices.currency } : {}) };
    },
    took(videoSeconds) {
      spending = { ...(spending ?? NOTHING_SPENT), videoSeconds };
    },
    spent: () => spending?.cost ?? 0,
    note(memo) {
      upsertMemo({ ...memo });
    },
    async rest() {
      await CancellationScope.nonCancellable(flush);
      return { nextEvent: nextId, progress, ...(spending ? { spending } : {}) };
    },
    close(outcome, event, change = {}) {
      return CancellationScope.nonCancellable(async () => {
        await flush();
        advance(change);
        upsertMemo({ ...noted(), outcome });
        // The memo leaves with the end of this workflow task, a local activity would run before it.
        await nextTask();
        append(event);
        await flush();
      });
    },
  };
}
