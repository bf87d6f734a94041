/** Schedules of batches, by command line and HTTP, on a real server; jobs only pretend. Nothing waits for a clock: schedules are told to fire. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFinishBatch } from '../../activities/finish-batch.ts';
import { createBatchActivities } from '../../activities/index.ts';
import { withTypedFailures } from '../../activities/lib/failures.ts';
import { readRequest } from '../../activities/lib/index.ts';
import { createPrepareFiring } from '../../activities/prepare-firing.ts';
import { startApi } from '../../api/entries/node.ts';
import { createClient, type FrameloomClient } from '../../client/index.ts';
import { BatchSchedule } from '../../schema/batch-schedule.ts';
import { batchIdFor } from '../../schema/ids.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createDescribeJob, createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import { type Ended, runFrameloom } from '../cli/run-frameloom.ts';
import { startTemporal } from '../support/temporal.ts';

const closers: (() => PromiseLike<unknown>)[] = [];
let temporal: Client;
let store: ArtifactStore;
let client: FrameloomClient;
let url: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-schedules-'));
  closers.push(() => rm(folder, { recursive: true })); // last of all: workers write to it
  const server = await startTemporal();
  closers.push(() => server[Symbol.asyncDispose]());
  temporal = server.client;
  store = createFolderStore(join(folder, 'store'));
  await server.runWorkers(
    {
      taskQueue: TASK_QUEUES.workflow,
      workflowsPath: fileURLToPath(new URL('../workflows/batch-summarize.ts', import.meta.url)),
      activities: {
        ...createBatchActivities({ store, describeJob: createDescribeJob(server.native, 'default') }),
        requestOf: (jobId: string) => readRequest(store, jobId),
      },
    },
    {
      taskQueue: TASK_QUEUES.cpu,
      activities: withTypedFailures({
        finishBatch: createFinishBatch({ store }),
        prepareFiring: createPrepareFiring({ store }),
      }),
    },
  );
  const api = await startApi({
    ...{ host: '127.0.0.1', port: 0, keys: [], maxUploadBytes: 1_000_000, version: 'test' },
    orchestrator: createTemporalOrchestrator(temporal, store),
    store,
    log: () => undefined,
  });
  closers.push(() => api.close());
  url = api.url;
  client = createClient({ url });
}, 120_000);

afterAll(async () => {
  for (const close of closers.reverse()) await close();
}, 60_000);

/** What is kept for schedules. */
async function stored(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list('schedules/')) names.push(name);
  return names;
}

interface Line {
  readonly custom_id: string;
  readonly response: { readonly body: { readonly id: string; readonly custom_id: string } } | null;
}

const body = { source: { type: 'images', urls: ['https://example.com/a.png'] } } as const;

function line(id: string, metadata?: Readonly<Record<string, string>>) {
  return { custom_id: id, method: 'POST', url: '/v1/summaries', body: { ...body, metadata } };
}

async function command(...args: string[]): Promise<Ended> {
  return await runFrameloom(['batch', 'schedule', ...args], { FRAMELOOM_URL: url });
}

async function shown(...args: string[]): Promise<BatchSchedule> {
  const { code, stdout, stderr } = await command(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return BatchSchedule.parse(JSON.parse(stdout));
}

/** Resolves with the batches that a schedule has begun, once there are `count`, oldest first. */
async function begun(id: string, count: number): Promise<string[]> {
  const ids = async (): Promise<string[]> =>
    (await client.getSchedule(id)).recent.map(({ batch_id }) => batch_id).reverse();
  await expect.poll(async () => (await ids()).length, { timeout: 20_000, interval: 50 }).toBe(count);
  return await ids();
}

async function results(id: string): Promise<readonly Line[]> {
  // The orchestrator tells of a firing before its batch is there.
  const status = (): Promise<string> => client.getBatch(id).then(({ status: now }) => now, String);
  await expect.poll(status, { timeout: 20_000, interval: 50 }).toBe('completed');
  const text = await new Response(await client.getBatchResults(id)).text();
  return text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one) as Line); // the contract says so
}

describe('frameloom batch schedule', () => {
  it('creates one schedule per file and times, and starts a separate batch with all lines each time', async () => {
    const path = join(folder, 'daily.jsonl');
    await writeFile(path, [line('a'), line('b')].map((one) => JSON.stringify(one)).join('\n'));
    const times = [
      '--cron',
      '0 3 1 1 *',
      '--timezone',
      'Europe/Berlin',
      '--in-flight',
      '4',
      '--window',
      '7d',
    ];
    const made = await shown('create', path, ...times);
    expect(made).toMatchObject({
      ...{
        object: 'batch_schedule',
        status: 'active',
        cron: '0 3 1 1 *',
        timezone: 'Europe/Berlin',
        every: null,
      },
      ...{ lines: 2, max_in_flight: 4, completion_window: '7d', recent: [] },
    });
    // Three in the morning in Berlin is two by UTC in January.
    expect(new Date((made.next_at ?? 0) * 1000).toISOString()).toMatch(/-01-01T02:00:00.000Z$/);
    expect((await shown('create', path, ...times)).id).toBe(made.id);

    await shown('trigger', made.id);
    const [first = ''] = await begun(made.id, 1);
    const lines = await results(first);
    expect(lines.map(({ custom_id }) => custom_id)).toEqual(['a', 'b']);
    expect(await client.getBatch(first)).toMatchObject({
      schedule_id: made.id,
      max_in_flight: 4,
      request_counts: { total: 2, completed: 2, failed: 0 },
    });
    const [scheduled] = (await client.listBatches()).data.filter(({ id }) => id === first);
    expect(scheduled?.expires_at).toBe((scheduled?.created_at ?? 0) + 7 * 86_400);

    // Of a schedule that is told by the clock, the times are those it was due at.
    const range = { start: new Date('2026-01-01T01:30:00Z'), end: new Date('2027-01-01T02:30:00Z') };
    await temporal.schedule.getHandle(made.id).backfill({ ...range, overlap: 'ALLOW_ALL' });
    const due = ['2026-01-01T02:00:00Z', '2027-01-01T02:00:00Z'];
    const expected = await Promise.all(due.map((time) => batchIdFor('default', `firing ${made.id}-${time}`)));
    const [, ...rest] = await begun(made.id, 3);
    expect(rest.sort()).toEqual(expected.sort());
    const jobs = (await Promise.all([first, ...rest].map(results))).flat();
    expect(new Set(jobs.map(({ response }) => response?.body.id)).size).toBe(6);
  }, 90_000);

  it('skips a run while a batch is running, starts none while paused, and deletes the schedule without its batch', async () => {
    const path = join(folder, 'slow.jsonl');
    await writeFile(path, JSON.stringify(line('slow', { do: 'wait' })));
    const { id, status, next_at } = await shown('create', path, '--every', '12h', '--paused');
    expect([status, next_at]).toEqual(['paused', null]);
    await client.triggerSchedule(id);
    const [batch = ''] = await begun(id, 1);
    const skipped = async (): Promise<number> =>
      (await temporal.schedule.getHandle(id).describe()).info.numActionsSkippedOverlap;
    await client.triggerSchedule(id);
    await expect.poll(skipped, { timeout: 20_000, interval: 50 }).toBe(1);
    expect(await begun(id, 1)).toEqual([batch]);

    const resumed = await shown('resume', id);
    expect(resumed.status).toBe('active');
    expect((resumed.next_at ?? 0) % (12 * 3600)).toBe(0);
    expect((await client.pauseSchedule(id)).status).toBe('paused');
    await expect
      .poll(async () => (await command('list')).stdout, { timeout: 20_000, interval: 200 })
      .toContain(`${id}  every 12h  1 lines, paused, last `);

    expect((await command('delete', id)).code).toBe(0);
    expect((await command('show', id)).stderr).toContain('No such schedule.');
    for await (const name of store.list(`schedules/${id}/`)) expect(name).toBe('removed');
    const status2 = (): Promise<string> => client.getBatch(batch).then(({ status: now }) => now);
    await expect.poll(status2, { timeout: 20_000, interval: 50 }).toBe('in_progress');
    await client.cancelBatch(batch);
    await expect.poll(status2, { timeout: 20_000, interval: 50 }).toBe('cancelled');
  }, 90_000);

  it('gives its metadata to its batches, and takes it along when it is deleted', async () => {
    const metadata = { team: 'night shift' };
    const response = await fetch(`${url}/v1/batch-schedules`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ endpoint: '/v1/summaries', every: '1d', requests: [line('a')], metadata }),
    });
    const { id } = BatchSchedule.parse(await response.json());
    expect((await client.getSchedule(id)).metadata).toEqual(metadata);
    await client.triggerSchedule(id);
    const [batch = ''] = await begun(id, 1);
    await results(batch);
    expect((await client.getBatch(batch)).metadata).toEqual(metadata);
    await client.deleteSchedule(id);
    expect((await stored()).filter((name) => name.includes(id))).toEqual([]);
    expect((await client.getBatch(batch)).metadata).toEqual(metadata);
  }, 60_000);

  it('rejects an invalid line, a password and invalid times', async () => {
    const known = await stored();
    const create = (more: object, requests: readonly unknown[] = [line('a')]): Promise<Response> =>
      fetch(`${url}/v1/batch-schedules`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': '"one"' },
        body: JSON.stringify({ endpoint: '/v1/summaries', requests, ...more }),
      });
    const told = async (response: Promise<Response>): Promise<string> =>
      ((await (await response).json()) as { readonly detail: string }).detail; // the contract says so
    const secret = {
      ...line('b'),
      body: { source: { type: 'deck', url: 'https://example.com/a.pdf', password: 'x' } },
    };
    expect(await told(create({ every: '1h' }, [line('a'), { custom_id: 'b' }]))).toContain('line 2: method');
    expect(await told(create({ every: '1h' }, [secret]))).toContain(
      'line 1: body: a schedule takes no passwords',
    );
    expect(await told(create({ cron: '61 3 * * *' }))).toContain('cron: is invalid');
    expect((await stored()).filter((name) => !known.includes(name))).toEqual([]);
    for (const times of [
      {},
      { cron: '* * * * *', every: '1h' },
      { every: '1s' },
      { every: '1h', timezone: 'UTC' },
    ])
      expect((await create(times)).status).toBe(400);
    expect((await create({ every: '1h' })).status).toBe(200);
    expect((await create({ every: '2h' })).status).toBe(409);
    expect(await (await command('create', join(folder, 'none.jsonl'), '--every', '1h')).code).not.toBe(0);
    expect((await command('create', join(folder, 'none.jsonl'))).code).toBe(2);
  }, 60_000);
});
