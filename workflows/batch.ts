/**
 * A batch: a window over its lines, each of which is a job. The jobs are children that outlive this workflow.
 * Their ids are derived from batch and line, so no line runs twice. `settleJobs` records their outcomes and
 * reads the state of each job itself. A long batch is a chain of runs: a later run polls the jobs that an
 * earlier one started, because their ends are not reported to it.
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
  workflowInfo,
} from '@temporalio/workflow';
import {
  BATCH_CONTROL,
  type BatchControl,
  type BatchInput,
  type BatchRef,
  type ReadyLine,
} from '../schema/batch-stages.ts';
import type { JobId } from '../schema/ids.ts';
import type { JobMemo } from '../schema/job.ts';
import {
  listAttributes,
  PRIORITY_ATTRIBUTE,
  PRIORITY_KEYS,
  TENANT_ATTRIBUTE,
} from '../schema/search-attributes.ts';
import type { SummarizeInput } from '../schema/stages.ts';
import { TASK_QUEUES, WORKFLOW_TASK_SECONDS } from '../schema/task-queues.ts';
import { batchFiles, batchLocal } from './activities.ts';
import {
  type BatchMemoWriter,
  memoTimes,
  openBatchMemo,
  unixSeconds,
  updateBatchMemo,
} from './batch-memo.ts';
import {
  type BatchTransition,
  type BatchWindow,
  canStart,
  isOver,
  openWindow,
  reduceBatch,
  stateOf,
} from './batch-state.ts';
import { errorOf, failed } from './failures.ts';

/** Events after which the next run takes over. The jobs then in flight add at most eleven events each. */
const MAX_HISTORY_EVENTS = 1500;
/** Maximum number of jobs that one activity settles. */
const SETTLE_BATCH = 50;
/** Maximum number of lines that one activity reads; fewer if they are long. */
const READ_BATCH = 50;
/** Pauses between two polls of jobs whose ends are not reported. */
const MIN_POLL_MS = 1000;
const MAX_POLL_MS = 15_000;

const TENANT = defineSearchAttributeKey(TENANT_ATTRIBUTE, SearchAttributeType.KEYWORD);
const PRIORITY = defineSearchAttributeKey(PRIORITY_ATTRIBUTE, SearchAttributeType.INT);

const control = defineSignal<[BatchControl]>(BATCH_CONTROL);

export async function batch(input: BatchInput): Promise<void> {
  const run: BatchRun = {
    input,
    window: openWindow(input),
    memo: openBatchMemo(),
    isCancelled: false,
    areJobsCancelled: false,
    isPolling: false,
  };
  CancellationScope.current().cancelRequested.catch(() => {
    run.isCancelled = true;
  });
  // A cancelled batch still records the outcomes of its jobs: nothing here is interrupted.
  await CancellationScope.nonCancellable(() => runBatch(run));
}

/** One run of the workflow. All changes of `window` are transitions. */
interface BatchRun {
  readonly input: BatchInput;
  readonly memo: BatchMemoWriter;
  window: BatchWindow;
  isCancelled: boolean;
  /** Whether the jobs in flight were cancelled because the batch stops. */
  areJobsCancelled: boolean;
  isPolling: boolean;
}

function apply(run: BatchRun, transition: BatchTransition): void {
  run.window = reduceBatch(run.window, transition);
}

async function runBatch(run: BatchRun): Promise<void> {
  listen(run);
  try {
    while (!(await step(run)));
    await finish(run);
  } catch (failure) {
    if (failure instanceof ContinueAsNew) throw failure;
    const error = errorOf(failure);
    updateBatchMemo({ status: 'failed', times: { ...memoTimes(), failed_at: unixSeconds() } });
    throw failed(error);
  }
}

/** Applies control signals, and stops the batch when it expires. */
function listen(run: BatchRun): void {
  setHandler(control, (change) => {
    apply(run, { type: 'controlled', change });
    run.memo.markChanged(true);
  });
  sleep(Math.max(1, run.input.expiresAt - Date.now())).then(
    () => apply(run, { type: 'stopped', reason: 'expired' }),
    () => undefined,
  );
}

/** Waits for the next event and handles it. Returns whether the batch has ended. */
async function step(run: BatchRun): Promise<boolean> {
  await condition(() => hasWork(run));
  if (run.isCancelled) apply(run, { type: 'stopped', reason: 'cancelled' });
  if (run.window.stop && !run.areJobsCancelled) await cancelJobs(run);
  await startJobs(run);
  // Several jobs often end together: all that have ended in this workflow task are settled at once.
  if (run.window.ended.length > 0) await settleEnded(run);
  if (isOver(run.window)) return true;
  run.memo.write(run.window);
  if (isLong()) await continueInNextRun(run);
  poll(run);
  return false;
}

function hasWork({ window, memo, isCancelled, areJobsCancelled }: BatchRun): boolean {
  return (
    window.ended.length > 0 ||
    canStart(window) ||
    isOver(window) ||
    (isCancelled && window.stop === undefined) ||
    (window.stop !== undefined && !areJobsCancelled) ||
    memo.isDue()
  );
}

/** Starts jobs while there are lines left and fewer than `maxInFlight` jobs in flight. */
async function startJobs(run: BatchRun): Promise<void> {
  while (canStart(run.window)) {
    const { page, next } = run.window;
    if (page.length === 0) {
      if (!next) return;
      const read = await batchLocal.readBatchLines({ ...refOf(run.input), from: next, limit: READ_BATCH });
      apply(run, { type: 'page_read', lines: read.lines, next: read.next });
    }
    const lines = run.window.page.slice(0, Math.max(0, run.window.maxInFlight - run.window.inFlight.size));
    apply(run, { type: 'lines_started', count: lines.length });
    for (const line of lines) startLine(run, line);
  }
}

function startLine(run: BatchRun, ready: ReadyLine): void {
  const { line } = ready;
  startJob(run, ready).then(
    () => apply(run, { type: 'start_confirmed', line, isDuplicate: false }),
    (error: unknown) => {
      const isDuplicate = error instanceof WorkflowExecutionAlreadyStartedError;
      apply(run, { type: 'start_confirmed', line, isDuplicate });
      if (!isDuplicate) throw error;
    },
  );
}

async function startJob(run: BatchRun, ready: ReadyLine): Promise<void> {
  const { line, jobId, fingerprint, priority, type, customIdKey } = ready;
  const { tenant, round } = run.input;
  const priorityKey = PRIORITY_KEYS[priority];
  const createdAt = new Date().toISOString();
  const labels = { ...(type && { type }), ...(customIdKey !== undefined && { customIdKey }) };
  const memo: JobMemo = { tenant, fingerprint, priority, ...labels, createdAt };
  const child = await startChild('summarize', {
    workflowId: jobId,
    taskQueue: TASK_QUEUES.workflow,
    workflowTaskTimeout: `${WORKFLOW_TASK_SECONDS}s`,
    args: [{ jobId, tenant } satisfies SummarizeInput],
    memo: { ...memo },
    typedSearchAttributes: [
      { key: TENANT, value: tenant },
      { key: PRIORITY, value: priorityKey },
      ...listAttributes(memo).map(({ name, type: kind, value }) =>
        kind === 'Int'
          ? { key: defineSearchAttributeKey(name, SearchAttributeType.INT), value: Number(value) }
          : { key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value: String(value) },
      ),
    ],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowIdReusePolicy: round === 1 ? 'REJECT_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
    priority: { priorityKey, fairnessKey: tenant },
  });
  const onEnd = (): void => apply(run, { type: 'job_ended', line });
  child.result().then(onEnd, onEnd);
  if (run.window.stop) await cancelJob(jobId);
}

/** Records the outcomes of jobs that have ended. */
async function settleEnded(run: BatchRun): Promise<void> {
  const { ended, inFlight, stop } = run.window;
  const batchLines = ended.slice(0, SETTLE_BATCH);
  apply(run, { type: 'settling', count: batchLines.length });
  const jobs = [...new Set(batchLines)].flatMap((line) => {
    const jobId = inFlight.get(line);
    return jobId === undefined ? [] : [[line, jobId] as const];
  });
  if (jobs.length === 0) return;
  const ends = await batchLocal.settleJobs({ ...refOf(run.input), jobs, ...(stop ? { stop } : {}) });
  apply(run, { type: 'settled', lines: jobs.map(([line]) => line), ends });
  if (ends.some((end) => end !== 'running')) run.memo.markChanged();
}

/** Polls the jobs whose ends are not reported, until there are none. */
function poll(run: BatchRun): void {
  if (run.isPolling || run.window.polled.size === 0) return;
  run.isPolling = true;
  (async () => {
    let pause = MIN_POLL_MS;
    while (run.window.polled.size > 0) {
      await sleep(pause);
      const before = run.window.polled.size;
      apply(run, { type: 'poll_due' });
      await condition(() => run.window.ended.length === 0);
      pause = run.window.polled.size < before ? MIN_POLL_MS : Math.min(MAX_POLL_MS, pause * 2);
    }
    run.isPolling = false;
  })().catch(() => undefined);
}

async function cancelJobs(run: BatchRun): Promise<void> {
  run.areJobsCancelled = true;
  if (run.window.stop === 'cancelled')
    updateBatchMemo({ status: 'cancelling', times: { ...memoTimes(), cancelling_at: unixSeconds() } });
  await condition(() => run.window.starting === 0);
  await Promise.all([...run.window.inFlight.values()].map(cancelJob));
}

/** A job that has ended in the meantime needs no cancellation. */
async function cancelJob(jobId: JobId): Promise<void> {
  await getExternalWorkflowHandle(jobId)
    .cancel()
    .catch(() => undefined);
}

function isLong(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength > MAX_HISTORY_EVENTS || continueAsNewSuggested;
}

async function continueInNextRun(run: BatchRun): Promise<never> {
  await condition(() => run.window.starting === 0);
  while (run.window.ended.length > 0) await settleEnded(run);
  run.memo.write(run.window, { force: true });
  const { memo = {}, typedSearchAttributes } = workflowInfo();
  return await makeContinueAsNewFunc<typeof batch>({ memo, typedSearchAttributes })({
    ...run.input,
    state: stateOf(run.window),
  });
}

/** Publishes the files of a batch that has ended. */
async function finish({ input, window }: BatchRun): Promise<void> {
  const { completed, failed: failedLines, stop: status = 'completed' } = window;
  updateBatchMemo({
    status: 'finalizing',
    ...{ completed, failed: failedLines },
    times: { in_progress_at: unixSeconds(), ...memoTimes(), finalizing_at: unixSeconds() },
  });
  const { outputExpiresAfter } = input;
  const output = await batchFiles.finishBatch({
    ...{ ...refOf(input), status },
    ...(outputExpiresAfter === undefined ? {} : { outputExpiresAfter }),
  });
  updateBatchMemo({
    status,
    ...output,
    times: { ...memoTimes(), [`${status}_at`]: unixSeconds() },
  });
}

function refOf({ batchId, tenant, input, shards, round }: BatchInput): BatchRef {
  return { batchId, tenant, input, shards, round };
}
