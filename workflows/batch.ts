/**
 * A batch: a window over its lines, each of which is a job of its own. At most `maxInFlight` jobs are under way. They are
 * children that outlive this workflow, with ids made from batch and line, so that no line runs twice whatever happens here; what
 * became of them is written down by `settleJobs`, which looks at each job itself. A long batch is a chain of runs: jobs that are
 * under way at a change of runs are looked at from then on, since their ends are no longer told.
 */
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import {
  CancellationScope,
  ContinueAsNew,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  makeContinueAsNewFunc,
  ParentClosePolicy,
  setHandler,
  sleep,
  startChild,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { BatchMemo, BatchStatus } from '../schema/batch.ts';
import {
  BATCH_CONTROL,
  type BatchControl,
  type BatchInput,
  type BatchState,
  type LinePosition,
  type ReadyLine,
} from '../schema/batch-stages.ts';
import type { JobId } from '../schema/ids.ts';
import type { JobMemo } from '../schema/job.ts';
import { PRIORITY_ATTRIBUTE, PRIORITY_KEYS, TENANT_ATTRIBUTE } from '../schema/search-attributes.ts';
import type { SummarizeInput } from '../schema/stages.ts';
import { TASK_QUEUES, WORKFLOW_TASK_SECONDS } from '../schema/task-queues.ts';
import { batchFiles, batchLocal } from './activities.ts';
import { errorOf, failed } from './failures.ts';

/** Events after which the next run takes over. The jobs then under way add at most eleven events each. */
const HISTORY_EVENTS = 1500;
/** Jobs whose ends are written down by one activity. */
const SETTLE_AT_ONCE = 50;
/** Lines read at once; fewer where they are long. */
const READ_AT_ONCE = 50;
/** Least time between two changes of the memo, in milliseconds. */
const NOTE_EVERY = 1000;
/** Milliseconds between looks at jobs whose ends are not told: the first pause, and the longest. */
const FIRST_LOOK = 1000;
const LAST_LOOK = 15_000;

const TENANT = defineSearchAttributeKey(TENANT_ATTRIBUTE, SearchAttributeType.KEYWORD);
const PRIORITY = defineSearchAttributeKey(PRIORITY_ATTRIBUTE, SearchAttributeType.INT);

const control = defineSignal<[BatchControl]>(BATCH_CONTROL);

export async function batch(input: BatchInput): Promise<void> {
  let cancelled = false;
  CancellationScope.current().cancelRequested.catch(() => {
    cancelled = true;
  });
  // Asked to stop, a batch still has to write down what it has: nothing of it is cut off.
  await CancellationScope.nonCancellable(() => run(input, () => cancelled));
}

async function run(input: BatchInput, isCancelled: () => boolean): Promise<void> {
  const { completed, failed: broken, inFlight: carried, ...rest } = input.state ?? firstState(input);
  let { paused, maxInFlight, stop } = rest;
  let next: LinePosition | undefined = rest.next;
  const counts = { completed, failed: broken };
  let page: readonly ReadyLine[] = [];
  const running = new Map<number, JobId>(carried);
  /** Lines whose jobs have to be looked at: their ends are not told here. */
  const watched = new Set<number>(running.keys());
  /** Lines whose jobs seem to have ended. */
  const ended: number[] = [];
  let starting = 0;
  let watching = false;
  let stopped = false;
  let noted = 0;
  let unnoted = true;
  /** Whether the memo is to be looked at now, whatever else happens. */
  let noteDue = true;
  let noting = false;

  setHandler(control, (change) => {
    if (change.do === 'limit') maxInFlight = change.maxInFlight;
    else paused = change.do === 'pause';
    unnoted = true;
    noteDue = true;
  });
  sleep(Math.max(1, input.expiresAt - Date.now())).then(
    () => {
      stop ??= 'expired';
    },
    () => undefined,
  );

  const left = (): boolean => page.length > 0 || next !== undefined;
  const wanted = (): boolean => !stop && !paused && left() && running.size < maxInFlight;
  const over = (): boolean => running.size === 0 && (stop !== undefined || !left());
  const isLong = (): boolean =>
    workflowInfo().historyLength > HISTORY_EVENTS || workflowInfo().continueAsNewSuggested;

  try {
    for (;;) {
      await condition(
        () =>
          ended.length > 0 ||
          wanted() ||
          over() ||
          (isCancelled() && !stop) ||
          (stop !== undefined && !stopped) ||
          noteDue,
      );
      if (isCancelled()) stop ??= 'cancelled';
      if (stop && !stopped) await cancelJobs();
      while (wanted()) {
        if (page.length === 0 && next) await readOn(next);
        page = page.slice(begin(page, maxInFlight - running.size));
        if (page.length === 0 && !next) break;
      }
      // Several jobs often end together: whoever has ended by the end of this task is written down at once.
      if (ended.length > 0) await settle(ended.splice(0, SETTLE_AT_ONCE));
      if (over()) break;
      note(false);
      if (isLong()) await handOver();
      watch();
    }
    await close(stop ?? 'completed');
  } catch (failure) {
    if (failure instanceof ContinueAsNew) throw failure;
    const error = errorOf(failure);
    upsertMemo({ status: 'failed', times: { ...times(), failed_at: now() } } satisfies Partial<BatchMemo>);
    throw failed(error);
  }

  async function readOn(from: LinePosition): Promise<void> {
    const read = await batchLocal.readBatchLines({ ...refOf(input), from, limit: READ_AT_ONCE });
    page = read.lines;
    next = read.next;
  }

  /** Starts as many of `lines` as there is room for, and answers how many. */
  function begin(lines: readonly ReadyLine[], room: number): number {
    const begun = lines.slice(0, room);
    for (const ready of begun) {
      const { line, jobId } = ready;
      running.set(line, jobId);
      starting += 1;
      start(ready)
        .catch((error: unknown) => {
          // It runs already, or has run: what there is of it is what this line gets.
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          watched.add(line);
          ended.push(line);
        })
        .finally(() => {
          starting -= 1;
        });
    }
    return begun.length;
  }

  async function start({ line, jobId, fingerprint, priority }: ReadyLine): Promise<void> {
    const { tenant } = input;
    const priorityKey = PRIORITY_KEYS[priority];
    const createdAt = new Date().toISOString();
    const child = await startChild('summarize', {
      workflowId: jobId,
      taskQueue: TASK_QUEUES.workflow,
      workflowTaskTimeout: `${WORKFLOW_TASK_SECONDS}s`,
      args: [{ jobId, tenant } satisfies SummarizeInput],
      memo: { ...({ tenant, fingerprint, priority, createdAt } satisfies JobMemo) },
      typedSearchAttributes: [
        { key: TENANT, value: tenant },
        { key: PRIORITY, value: priorityKey },
      ],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: input.round === 1 ? 'REJECT_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
      priority: { priorityKey, fairnessKey: tenant },
    });
    const end = (): void => {
      ended.push(line);
    };
    child.result().then(end, end);
    if (stop) await cancelJob(jobId);
  }

  async function settle(lines: readonly number[]): Promise<void> {
    const jobs = [...new Set(lines)].flatMap((line) => {
      const jobId = running.get(line);
      return jobId === undefined ? [] : [[line, jobId] as const];
    });
    if (jobs.length === 0) return;
    const ends = await batchLocal.settleJobs({ ...refOf(input), jobs, ...(stop ? { stop } : {}) });
    for (const [index, [line]] of jobs.entries()) {
      const end = ends[index];
      if (end === undefined || end === 'running') {
        watched.add(line);
        continue;
      }
      running.delete(line);
      watched.delete(line);
      counts[end] += 1;
      unnoted = true;
    }
  }

  /** Has the watched jobs looked at again and again until there are none. */
  function watch(): void {
    if (watching || watched.size === 0) return;
    watching = true;
    (async () => {
      let pause = FIRST_LOOK;
      while (watched.size > 0) {
        await sleep(pause);
        const before = watched.size;
        ended.push(...watched);
        await condition(() => ended.length === 0);
        pause = watched.size < before ? FIRST_LOOK : Math.min(LAST_LOOK, pause * 2);
      }
      watching = false;
    })().catch(() => undefined);
  }

  async function cancelJobs(): Promise<void> {
    stopped = true;
    if (stop === 'cancelled')
      upsertMemo({
        status: 'cancelling',
        times: { ...times(), cancelling_at: now() },
      } satisfies Partial<BatchMemo>);
    await condition(() => starting === 0);
    await Promise.all([...running.values()].map(cancelJob));
  }

  function note(force: boolean): void {
    const isDue = force || noteDue;
    noteDue = false;
    if (!force && !unnoted) return;
    const wait = noted + NOTE_EVERY - Date.now();
    if (!isDue && wait > 0) {
      noteLater(wait);
      return;
    }
    unnoted = false;
    noted = Date.now();
    const status: BatchStatus = stop === 'cancelled' ? 'cancelling' : paused ? 'paused' : 'in_progress';
    upsertMemo({
      status,
      completed: counts.completed,
      failed: counts.failed,
      maxInFlight,
      times: { in_progress_at: now(), ...times() },
    } satisfies Partial<BatchMemo>);
  }

  /** Has the memo changed when it may be, though nothing else happens until then. */
  function noteLater(wait: number): void {
    if (noting) return;
    noting = true;
    sleep(wait).then(
      () => {
        noting = false;
        noteDue = true;
      },
      () => undefined,
    );
  }

  async function handOver(): Promise<never> {
    await condition(() => starting === 0);
    while (ended.length > 0) await settle(ended.splice(0, SETTLE_AT_ONCE));
    note(true);
    const place = page[0]?.position ?? next;
    const state: BatchState = {
      ...counts,
      maxInFlight,
      paused,
      ...(place ? { next: place } : {}),
      ...(stop ? { stop } : {}),
      inFlight: [...running],
    };
    const { memo = {}, searchAttributes: _all, typedSearchAttributes } = workflowInfo();
    return await makeContinueAsNewFunc<typeof batch>({
      memo,
      typedSearchAttributes,
    })({ ...input, state });
  }

  async function close(status: 'completed' | 'cancelled' | 'expired'): Promise<void> {
    upsertMemo({
      status: 'finalizing',
      ...counts,
      times: { in_progress_at: now(), ...times(), finalizing_at: now() },
    } satisfies Partial<BatchMemo>);
    const made = await batchFiles.finishBatch({ ...refOf(input), status });
    upsertMemo({
      status,
      ...made,
      times: { ...times(), [`${status}_at`]: now() },
    } satisfies Partial<BatchMemo>);
  }
}

function firstState(input: BatchInput): BatchState {
  return {
    next: { shard: 0, at: 0 },
    completed: input.completed,
    failed: input.invalid,
    maxInFlight: input.maxInFlight,
    paused: false,
    inFlight: [],
  };
}

function refOf({ batchId, tenant, input, shards, round }: BatchInput) {
  return { batchId, tenant, input, shards, round };
}

/** One that has ended meanwhile needs no cancelling. */
async function cancelJob(jobId: JobId): Promise<void> {
  await getExternalWorkflowHandle(jobId)
    .cancel()
    .catch(() => undefined);
}

function times(): BatchMemo['times'] {
  return (workflowInfo().memo?.times ?? {}) as BatchMemo['times']; // the memo is a BatchMemo
}

/** Seconds of Unix. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}
