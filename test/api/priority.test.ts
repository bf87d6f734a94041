/** Whose work goes next where there is one slot, on a real server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jobIdFor } from '../../schema/ids.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import type { Orchestrator } from '../../temporal/orchestrator.ts';
import { newMemo } from '../support/requests.ts';
import { startTemporal } from '../support/temporal.ts';

type Priority = SummaryRequest['priority'];

const closers: (() => PromiseLike<unknown>)[] = [];
/** Names of the jobs whose work was done, in order. */
let worked: string[];
/** While closed, the one slot is held by whoever has it. */
let gate: Promise<void>;
let open: () => void;
let client: Client;
let orchestrator: Orchestrator;
const names = new Map<string, string>();

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-priority-'));
  closers.push(() => rm(root, { recursive: true })); // last of all: workers write to it
  const server = await startTemporal();
  closers.push(() => server[Symbol.asyncDispose]());
  client = server.client;
  orchestrator = createTemporalOrchestrator(client, createFolderStore(root));
  await server.runWorkers(
    {
      taskQueue: 'workflow',
      workflowsPath: fileURLToPath(new URL('priority-workflow.ts', import.meta.url)),
    },
    {
      taskQueue: 'gpu',
      activities: {
        async work(jobId: string) {
          worked.push(names.get(jobId) ?? jobId);
          await gate;
        },
      },
      maxConcurrentActivityTaskExecutions: 1,
    },
  );
}, 120_000);

afterAll(async () => {
  for (const close of closers.reverse()) await close();
}, 30_000);

async function start(tenant: string, name: string, priority: Priority): Promise<void> {
  const jobId = await jobIdFor(tenant, name);
  names.set(jobId, name);
  await orchestrator.start({ jobId, memo: newMemo(tenant, name, priority), key: 'content' });
}

/** Has one job hold the slot, lets `fill` queue `count` others, then lets all work in the order the server gives them. */
async function orderOf(count: number, fill: () => Promise<void>): Promise<readonly string[]> {
  worked = [];
  gate = new Promise((resolve) => {
    open = resolve;
  });
  await start('holder', `holder of ${Date.now()}`, 'normal');
  await expect.poll(() => worked.length, { timeout: 20_000 }).toBe(1);
  await fill();
  await expect.poll(waiting, { timeout: 20_000 }).toBe(count);
  open();
  await expect.poll(() => worked.length, { timeout: 30_000 }).toBe(count + 1);
  return worked.slice(1);
}

async function waiting(): Promise<number> {
  const { stats } = await client.connection.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: 'gpu' },
    taskQueueType: 2, // activities
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount);
}

it('takes work of a higher priority next, however much of a lower one has waited longer', async () => {
  const order = await orderOf(22, async () => {
    for (let i = 0; i < 20; i += 1) await start('archive', `low ${i}`, 'low');
    await start('archive', 'normal', 'normal');
    await start('archive', 'high', 'high');
  });
  expect(order.slice(0, 2)).toEqual(['high', 'normal']);
});

it('gives tenants of equal priority equal shares, however much one of them has queued before', async () => {
  const order = await orderOf(24, async () => {
    for (let i = 0; i < 16; i += 1) await start('many', `many ${i}`, 'low');
    for (let i = 0; i < 8; i += 1) await start('few', `few ${i}`, 'low');
  });
  const few = order.slice(0, 16).filter((name) => name.startsWith('few'));
  expect(few).toHaveLength(8);
});
