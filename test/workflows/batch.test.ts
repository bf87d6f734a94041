/** The window over a batch, on a real server: real activities and a real store, jobs that only pretend. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFinishBatch } from '../../activities/finish-batch.ts';
import { createBatchActivities } from '../../activities/index.ts';
import { withTypedFailures } from '../../activities/lib/failures.ts';
import { readRequest } from '../../activities/lib/index.ts';
import { batchView, createRetryMemo, ingestBatch } from '../../api/batches/index.ts';
import { BatchCreate, isFinalBatchStatus } from '../../schema/batch.ts';
import { type BatchId, batchIdFor, type JobId } from '../../schema/ids.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { fileName, SOURCES } from '../../store/names.ts';
import type { BatchRecord } from '../../temporal/batch-orchestrator.ts';
import { createDescribeJob, createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import type { Orchestrator } from '../../temporal/orchestrator.ts';
import { largestPayloadBytes } from '../support/histories.ts';
import { startTemporal } from '../support/temporal.ts';
import { contentOf } from '../support/tenant-content.ts';

const closers: (() => PromiseLike<unknown>)[] = [];
let client: Client;
let store: ArtifactStore;
let orchestrator: Orchestrator;
let bundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-batch-'));
  closers.push(() => rm(root, { recursive: true })); // last of all: workers write to it
  const server = await startTemporal();
  closers.push(() => server[Symbol.asyncDispose]());
  client = server.client;
  store = createFolderStore(root);
  orchestrator = createTemporalOrchestrator(client, store);
  bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('batch-summarize.ts', import.meta.url)),
  });
  await server.runWorkers(
    {
      workflowBundle: bundle,
      taskQueue: TASK_QUEUES.workflow,
      activities: {
        ...createBatchActivities({ store, describeJob: createDescribeJob(server.native, 'default') }),
        requestOf: (jobId: string) => readRequest(store, jobId),
      },
    },
    {
      taskQueue: TASK_QUEUES.cpu,
      activities: withTypedFailures({ finishBatch: createFinishBatch({ store }) }),
    },
  );
}, 120_000);

afterAll(async () => {
  for (const close of closers.reverse()) await close();
}, 60_000);

type Do = 'fail' | 'wait' | undefined;

let number = 0;

/** A batch whose lines do what they are told, by their place; `bad` lines are no requests. */
async function start(
  lines: readonly (Do | 'bad')[],
  options: {
    readonly max_in_flight?: number;
    readonly expiresIn?: number;
    readonly milliseconds?: number;
  } = {},
): Promise<BatchId> {
  number += 1;
  const id = await batchIdFor('default', `test ${process.pid} ${number}`);
  const { max_in_flight = 50, expiresIn, milliseconds = 5 } = options;
  const request = BatchCreate.parse({
    requests: lines.map((what, index) => ({
      custom_id: `line-${index}`,
      method: what === 'bad' ? 'GET' : 'POST',
      url: '/v1/summaries',
      body: {
        source: { type: 'images', urls: ['https://example.com/a.png'] },
        metadata: { milliseconds: String(milliseconds), ...(what ? { do: what } : {}) },
      },
    })),
    endpoint: '/v1/summaries',
    max_in_flight,
  });
  const memo = await ingestBatch({ store, clock: Date }, 'default', id, request, undefined);
  const expires = expiresIn === undefined ? {} : { expiresAt: Math.floor(Date.now() / 1000) + expiresIn };
  await orchestrator.batches.start(id, { ...memo, ...expires });
  return id;
}

async function look(id: BatchId): Promise<BatchRecord> {
  const record = await orchestrator.batches.describe(id);
  if (!record) throw new Error('no such batch');
  return record;
}

/** `look` once it holds; where it never does, the failure tells how far the batch was. */
async function until(
  id: BatchId,
  holds: (record: BatchRecord) => boolean,
  seconds = 300,
): Promise<BatchRecord> {
  const state = async (): Promise<string> => {
    const record = await look(id);
    const { status, completed, failed } = record.memo;
    return holds(record) ? 'it holds' : `${record.state}, ${status}, ${completed} done, ${failed} failed`;
  };
  await expect.poll(state, { timeout: seconds * 1000, interval: 50 }).toBe('it holds');
  return await look(id);
}

const ended = (id: BatchId): Promise<BatchRecord> =>
  until(
    id,
    ({ memo: seen, state }) =>
      isFinalBatchStatus(seen.status) && state !== 'running' && state !== 'cancelling',
  );

interface Line {
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly body: { readonly id: JobId } } | null;
  readonly error: { readonly code: string } | null;
}

async function linesOf(fileId: string | undefined): Promise<readonly Line[]> {
  if (fileId === undefined) return [];
  const file = JSON.parse(new TextDecoder().decode(await store.bytes(fileName(fileId)))) as {
    sha256: string;
  };
  const text = new TextDecoder().decode(await contentOf(store).bytes(`${SOURCES}/${file.sha256}`));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line); // written by finishBatch
}

/** Every run of the jobs of these lines, by job. */
async function runsOf(lines: readonly Line[]): Promise<ReadonlyMap<string, number>> {
  const runs = new Map<string, number>();
  const wanted = new Set(lines.flatMap(({ response }) => response?.body.id ?? []));
  for await (const { workflowId } of client.workflow.list({ query: `WorkflowType='summarize'` }))
    if (wanted.has(workflowId as JobId)) runs.set(workflowId, (runs.get(workflowId) ?? 0) + 1);
  return runs;
}

/** Most jobs that ran at the same time, from the times of the server. */
async function mostAtOnce(lines: readonly Line[]): Promise<number> {
  const wanted = new Set<string>(lines.flatMap(({ response }) => response?.body.id ?? []));
  const changes: { at: number; by: number }[] = [];
  for await (const { workflowId, startTime, closeTime } of client.workflow.list({
    query: `WorkflowType='summarize'`,
  })) {
    if (!wanted.has(workflowId)) continue;
    changes.push({ at: startTime.getTime(), by: 1 }, { at: closeTime?.getTime() ?? 0, by: -1 });
  }
  // A job that ends in the millisecond in which another begins ends first.
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  return Math.max(...changes.map(({ by }) => (now += by)));
}

/** Runs of the batch's own workflow, with the number of their events and their largest payload. */
async function historiesOf(id: BatchId): Promise<{ readonly events: number; readonly payload: number }[]> {
  const found: { events: number; payload: number }[] = [];
  for await (const { runId } of client.workflow.list({ query: `WorkflowId='${id}'` })) {
    const history = await client.workflow.getHandle(id, runId).fetchHistory();
    found.push({ events: history.events?.length ?? 0, payload: largestPayloadBytes(history) });
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, id);
  }
  return found;
}

describe('a batch of 1,200 lines', () => {
  it('ends with each line once, no job twice, within the window, in histories that are short and replay', async () => {
    const lines = Array.from({ length: 1200 }, (_, index) =>
      index % 50 === 7 ? 'fail' : index % 100 === 11 ? 'bad' : undefined,
    );
    const id = await start(lines, { max_in_flight: 40 });
    const { memo } = await ended(id);
    expect(memo).toMatchObject({
      status: 'completed',
      total: 1200,
      completed: 1164,
      failed: 36,
      invalid: 12,
    });
    const output = await linesOf(memo.outputFileId);
    const errors = await linesOf(memo.errorFileId);
    expect([output.length, errors.length]).toEqual([1164, 36]);
    const ids = [...output, ...errors].map(({ custom_id }) => custom_id);
    expect(new Set(ids)).toEqual(new Set(lines.map((_, index) => `line-${index}`)));
    expect(ids).toHaveLength(1200);
    expect(errors.filter(({ error }) => error?.code === 'no_pages')).toHaveLength(24);
    expect(errors.filter(({ error }) => error?.code === 'invalid_request')).toHaveLength(12);
    await expect.poll(async () => (await runsOf([...output, ...errors])).size).toBe(1188);
    const runs = await runsOf([...output, ...errors]);
    expect([...runs.values()].every((count) => count === 1)).toBe(true);
    expect(await mostAtOnce([...output, ...errors])).toBeLessThanOrEqual(40);
    const histories = await historiesOf(id);
    console.info(`1,200 lines: ${histories.map(({ events }) => events).join(' + ')} events`);
    expect(histories.length).toBeGreaterThan(1);
    for (const { events, payload } of histories) {
      expect(events).toBeLessThan(10_000);
      expect(payload).toBeGreaterThan(0);
      expect(payload).toBeLessThan(65_536);
    }
  }, 400_000);
});

describe('a running batch', () => {
  it('pauses: what runs is finished and nothing begun, until it is resumed', async () => {
    const id = await start(new Array(60).fill(undefined), { max_in_flight: 2, milliseconds: 30 });
    await until(id, ({ memo: seen }) => seen.completed >= 4);
    await orchestrator.batches.control(id, { type: 'pause' });
    await until(id, ({ memo: seen }) => seen.status === 'paused');
    await orchestrator.batches.control(id, { type: 'limit', maxInFlight: 7 });
    const paused = await until(id, ({ memo: seen }) => seen.maxInFlight === 7);
    expect(paused.memo.status).toBe('paused');
    expect(paused.memo.completed).toBeLessThan(60);
    await orchestrator.batches.control(id, { type: 'resume' });
    const { memo } = await ended(id);
    expect(memo).toMatchObject({ status: 'completed', completed: 60, maxInFlight: 7 });
    expect(await mostAtOnce(await linesOf(memo.outputFileId))).toBeLessThanOrEqual(7);
  }, 120_000);

  it('cancelled, keeps what is done and stops what runs; a retry runs only the rest', async () => {
    const lines: Do[] = Array.from({ length: 40 }, (_, index) => (index < 10 ? undefined : 'wait'));
    const id = await start(lines, { max_in_flight: 12 });
    await until(id, ({ memo: seen }) => seen.completed === 10);
    await orchestrator.batches.cancel(id);
    expect(['cancelling', 'cancelled', 'completed']).toContain((await look(id)).state);
    const { memo } = await ended(id);
    expect(memo).toMatchObject({ status: 'cancelled', completed: 10, failed: 30 });
    expect((await batchView(store, await look(id))).cancelled_at).toBeDefined();
    const errors = await linesOf(memo.errorFileId);
    expect(errors.map(({ error }) => error?.code)).toEqual(new Array(30).fill('batch_cancelled'));
    const begun = errors.filter(({ response }) => response !== null);
    expect(begun).toHaveLength(12);

    const done = await linesOf(memo.outputFileId);
    await orchestrator.batches.retry(id, createRetryMemo(await look(id), Math.floor(Date.now() / 1000)));
    await until(id, ({ memo: next }) => next.round === 2 && next.status === 'in_progress');
    await orchestrator.batches.cancel(id);
    const second = await ended(id);
    expect(second.memo).toMatchObject({ status: 'cancelled', round: 2, completed: 10 });
    await expect.poll(async () => (await runsOf(done)).size).toBe(10);
    expect([...(await runsOf(done)).values()]).toEqual(new Array(10).fill(1));
  }, 120_000);

  it('expires: unfinished lines say so, finished ones stay', async () => {
    const id = await start([undefined, undefined, 'wait', 'wait'], { max_in_flight: 3, expiresIn: 4 });
    const { memo } = await ended(id);
    expect(memo).toMatchObject({ status: 'expired', completed: 2, failed: 2 });
    const errors = await linesOf(memo.errorFileId);
    expect(errors.map(({ error }) => error?.code)).toEqual(['batch_expired', 'batch_expired']);
  }, 120_000);

  it('notices jobs that were terminated without a word, and goes on', async () => {
    const id = await start(['wait', undefined, undefined], { max_in_flight: 2 });
    await until(id, ({ memo: seen }) => seen.completed === 2);
    const [waiting] = await jobsOf(id);
    if (waiting === undefined) throw new Error('no job');
    await client.workflow.getHandle(waiting).terminate('by force');
    const { memo } = await ended(id);
    expect(memo).toMatchObject({ status: 'completed', completed: 2, failed: 1 });
  }, 120_000);
});

describe('a retry', () => {
  it('runs what failed and nothing else, and has each line once again', async () => {
    const lines: (Do | 'bad')[] = Array.from({ length: 30 }, (_, index) =>
      index % 6 === 0 ? 'fail' : index === 5 ? 'bad' : undefined,
    );
    const id = await start(lines);
    const first = await ended(id);
    expect(first.memo).toMatchObject({ completed: 24, failed: 6 });
    const done = await linesOf(first.memo.outputFileId);
    const broken = (await linesOf(first.memo.errorFileId)).filter(({ response }) => response !== null);
    await Promise.all(
      Array.from({ length: 5 }, () =>
        orchestrator.batches.retry(id, createRetryMemo(first, Math.floor(Date.now() / 1000))),
      ),
    );
    const second = await until(id, ({ memo: seen }) => seen.round === 2 && seen.status === 'completed');
    expect(second.memo).toMatchObject({ completed: 24, failed: 6 });
    await expect.poll(async () => [...(await runsOf(broken)).values()]).toEqual(new Array(5).fill(2));
    expect([...(await runsOf(done)).values()]).toEqual(new Array(24).fill(1));
    const again = [...(await linesOf(second.memo.outputFileId)), ...(await linesOf(second.memo.errorFileId))];
    expect(again.map(({ custom_id }) => custom_id).sort()).toEqual(lines.map((_, i) => `line-${i}`).sort());
  }, 120_000);
});

/** Jobs of a batch that run now. */
async function jobsOf(id: BatchId): Promise<readonly string[]> {
  const { raw } = await client.workflow.getHandle(id).describe();
  return (raw.pendingChildren ?? []).map(({ workflowId }) => workflowId ?? '');
}
