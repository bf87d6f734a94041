/**
 * The event log and the progress of a job. Events are numbered here, from 1, and appended in batches: while
 * one batch is written, the next one collects. The memo has the progress, so it can be read while no
 * worker runs. A cancellation does not interrupt these writes: an event with a number always reaches the log.
 */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobMemo, JobOutcome, Progress } from '../schema/job.ts';
import type { JobRef, JobState, LoggedEvent } from '../schema/stages.ts';
import { sumUsage, type UsageCost } from '../schema/usage-cost.ts';
import { local } from './activities.ts';

const MAX_BATCH_EVENTS = 32;
/**
 * Minimum time between two changes of the memo within one stage. Each change is an event of the history and a
 * write to the visibility store of the server; segments that end within this time of each other share one. A
 * timer writes what the last of them left out; the server fires it up to a second later.
 */
const MEMO_INTERVAL_MS = 250;

/** An event before it has a number, a time and the progress. */
export type NewEvent = LoggedEvent extends infer E
  ? E extends LoggedEvent
    ? Omit<E, 'id' | 'time' | 'progress'>
    : never
  : never;

/** The part of the job state from which the log of the next run continues. */
type LogState = Pick<JobState, 'nextEvent' | 'progress' | 'usage'>;

export interface EventLog {
  /** Appends an event; `percent` never decreases. Returns at once. */
  emit(event: NewEvent, progress?: Partial<Progress>): void;
  /** Adds to the usage of the job. The memo has it with the next event. */
  addUsage(usage: UsageCost): void;
  /** Adds the seconds of video that the job covers. The memo has them with the next event. */
  setVideoSeconds(seconds: number): void;
  /** Cost of the run so far. */
  totalCost(): number;
  updateMemo(memo: Partial<JobMemo>): void;
  /** Waits until every event so far is in the log, and returns the state for the next run. */
  flush(): Promise<LogState>;
  /**
   * Writes the outcome to the memo, then the last event to the log: a reader of the event finds the outcome.
   */
  close(outcome: JobOutcome, event: NewEvent, progress?: Partial<Progress>): Promise<void>;
}

/**
 * Opens the log of a run, at its start or where the run before it ended. One long function, because all its
 * steps change the same counters, progress and timer.
 */
export function openEventLog(ref: JobRef, before?: LogState): EventLog {
  let progress: Progress = before?.progress ?? {
    percent: 0,
    stage: 'waiting',
    segments: { total: 0, done: 0, failed: 0 },
  };
  let nextId = before?.nextEvent ?? 1;
  let usage: UsageCost | undefined = before?.usage;
  let isWriting = false;
  let memoTime = 0;
  /** The progress that the memo has. */
  let memoProgress: Progress | undefined;
  let memoTimer: CancellationScope | undefined;
  let isEnding = false;
  const waiting: LoggedEvent[] = [];

  async function write(): Promise<void> {
    isWriting = true;
    try {
      while (waiting.length > 0) {
        await restOfTask();
        updateProgress();
        const batch = waiting.slice(0, MAX_BATCH_EVENTS);
        await local.appendEvents({ ...ref, events: batch });
        waiting.splice(0, batch.length);
      }
    } finally {
      isWriting = false;
    }
  }

  function updateProgress(): void {
    const wait = memoTime + MEMO_INTERVAL_MS - Date.now();
    if (progress.stage !== memoProgress?.stage || wait <= 0) writeMemo();
    else if (progress !== memoProgress) writeMemoLater(wait);
  }

  /** Writes the memo in `milliseconds`, unless an event has written it by then. */
  function writeMemoLater(milliseconds: number): void {
    if (memoTimer || isEnding) return;
    memoTimer = new CancellationScope({ cancellable: true });
    memoTimer
      .run(() => sleep(milliseconds))
      .then(() => {
        memoTimer = undefined;
        if (progress !== memoProgress) writeMemo();
      })
      .catch(() => undefined);
  }

  /**
   * Stops the timer: the server rejects the end of a run during which a timer fires, and repeats its last
   * task.
   */
  function stopMemoTimer(): void {
    isEnding = true;
    memoTimer?.cancel();
  }

  function writeMemo(more: Pick<JobMemo, 'outcome'> = {}): void {
    memoTime = Date.now();
    memoProgress = progress;
    upsertMemo({ progress, ...(usage ? { usage } : {}), ...more });
  }

  async function writeAll(): Promise<void> {
    await condition(() => !isWriting);
    await write();
  }

  function advance(change: Partial<Progress>): void {
    progress = { ...progress, ...change, percent: Math.max(progress.percent, change.percent ?? 0) };
  }

  function append(event: NewEvent): void {
    // A NewEvent and its missing members.
    waiting.push({ ...event, id: nextId, time: new Date().toISOString(), progress } as LoggedEvent);
    nextId += 1;
  }

  return {
    emit(event, change = {}) {
      advance(change);
      append(event);
      // The retry policy of the activity has no limit; an event that is rejected waits for the next write.
      if (!isWriting) CancellationScope.nonCancellable(write).catch(() => undefined);
    },
    addUsage(added) {
      usage = sumUsage([usage, added]);
    },
    setVideoSeconds(videoSeconds) {
      usage = { ...sumUsage([usage]), videoSeconds };
    },
    totalCost: () => usage?.cost ?? 0,
    updateMemo(memo) {
      upsertMemo({ ...memo });
    },
    async flush() {
      stopMemoTimer();
      await CancellationScope.nonCancellable(writeAll);
      writeMemo();
      return { nextEvent: nextId, progress, ...(usage ? { usage } : {}) };
    },
    close(outcome, event, change = {}) {
      stopMemoTimer();
      return CancellationScope.nonCancellable(async () => {
        await writeAll();
        advance(change);
        writeMemo({ outcome });
        // The memo is stored at the end of this workflow task; a local activity would run before that.
        await nextTask();
        append(event);
        await writeAll();
      });
    },
  };
}

/**
 * Waits until the workflow has processed everything that this workflow task delivered, so its events
 * form one batch. Does not depend on the clock: a replay must produce the same batches.
 */
async function restOfTask(): Promise<void> {
  let checks = 0;
  // Evaluated once here and once more after everything else of the task.
  await condition(() => checks++ > 0);
}

/**
 * Ends the workflow task, which stores its commands. A timer would do the same, but takes a second at least;
 * the server rejects a signal of a workflow to itself immediately, in a separate task.
 */
async function nextTask(): Promise<void> {
  const itself = getExternalWorkflowHandle(workflowInfo().workflowId);
  await itself.signal('next-task').catch(() => undefined);
}
