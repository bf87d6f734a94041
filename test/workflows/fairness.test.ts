/**
 * R17 on a real server: the real workflows of batch and job, activities that only answer, and one slot for the model. The full
 * check, with the model itself, is `npm run test:faults -- fairness`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBatchActivities, createWorkflowActivities } from '../../activities/index.ts';
import { ingestBatch } from '../../api/batches/index.ts';
import type { GpuActivities } from '../../schema/activities.ts';
import { BatchCreate } from '../../schema/batch.ts';
import { batchIdFor, type JobId, jobIdFor } from '../../schema/ids.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import { PRIORITY_KEYS } from '../../schema/search-attributes.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createDescribeJob, createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import type { Orchestrator } from '../../temporal/orchestrator.ts';
import { newMemo, putRequest } from '../support/requests.ts';
import { startTemporal } from '../support/temporal.ts';
import { answers } from './answers.ts';

const LINES = 10_000;
const IN_FLIGHT = 60;

const closers: (() => PromiseLike<unknown>)[] = [];
/** Jobs whose segments were begun, in order. */
const begun: string[] = [];
/** Lets the segment end that has the slot. */
let release: () => void = () => undefined;
let released = false;
let client: Client;
let store: ArtifactStore;
let orchestrator: Orchestrator;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-fairness-'));
  closers.push(() => rm(root, { recursive: true })); // last of all: workers write to it
  const server = await startTemporal();
  closers.push(() => server[Symbol.asyncDispose]());
  client = server.client;
  store = createFolderStore(root);
  orchestrator = createTemporalOrchestrator(client, store);
  const { cpu, gpu } = answers(4);
  const describeSegment: GpuActivities['describeSegment'] = async (input) => {
    begun.push(input.jobId);
    if (!released)
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    return await gpu.describeSegment(input);
  };
  await server.runWorkers(
    {
      workflowBundle: await bundleWorkflowCode({
        workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
        logger: new DefaultLogger('ERROR'),
      }),
      taskQueue: TASK_QUEUES.workflow,
      activities: {
        ...createBatchActivities({ store, describeJob: createDescribeJob(server.native, 'default') }),
        // Nobody reads the logs of these jobs.
        ...createWorkflowActivities({ store }),
        appendEvents: async () => undefined,
      },
    },
    { taskQueue: TASK_QUEUES.cpu, activities: { ...cpu } },
    {
      taskQueue: TASK_QUEUES.gpu,
      activities: { describeSegment, reduce: gpu.reduce },
      maxConcurrentActivityTaskExecutions: 1,
    },
  );
}, 120_000);

afterAll(async () => {
  released = true;
  release();
  for (const close of closers.reverse()) await close();
}, 60_000);

/** Pieces of work of a priority that wait for the model. */
async function waiting(priority: SummaryRequest['priority']): Promise<number> {
  const { statsByPriorityKey } = await client.connection.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: TASK_QUEUES.gpu },
    taskQueueType: 2, // activities
    reportStats: true,
  });
  return Number(statsByPriorityKey?.[PRIORITY_KEYS[priority]]?.approximateBacklogCount ?? 0);
}

async function start(tenant: string, priority: SummaryRequest['priority']): Promise<JobId> {
  const jobId = await jobIdFor(tenant, priority);
  await putRequest(store, jobId, { source: { type: 'deck', file_id: `file_${'a'.repeat(26)}` } });
  await orchestrator.start({ jobId, memo: newMemo(tenant, priority, priority), key: 'content' });
  return jobId;
}

/** Lets segments end one by one until one of `jobId` has the slot; answers how many others had it meanwhile. */
async function turnsBefore(jobId: JobId): Promise<number> {
  const from = begun.length;
  while (!begun.includes(jobId)) {
    const before = begun.length;
    release();
    await expect.poll(() => begun.length, { timeout: 30_000, interval: 20 }).toBeGreaterThan(before);
  }
  return begun.indexOf(jobId) - from;
}

it(`with a backfill of ${LINES} lines queued, a job somebody waits for begins within two segments`, async () => {
  const request = BatchCreate.parse({
    endpoint: '/v1/summaries',
    max_in_flight: IN_FLIGHT,
    requests: Array.from({ length: LINES }, (_, index) => ({
      custom_id: `line-${index}`,
      method: 'POST',
      url: '/v1/summaries',
      body: { source: { type: 'images', urls: [`https://example.com/${index}.png`] } },
    })),
  });
  const id = await batchIdFor('archive', 'backfill');
  const memo = await ingestBatch({ store, clock: Date }, 'archive', id, request, undefined);
  expect(memo.total).toBe(LINES);
  await orchestrator.batches.start(id, memo);
  // All jobs of the window wait for the slot, but for the one that has it.
  await expect.poll(() => waiting('low'), { timeout: 120_000 }).toBeGreaterThanOrEqual(IN_FLIGHT - 5);
  // Not one of them counts among the unfinished jobs for which there is a quota.
  expect(await orchestrator.unfinished('archive')).toBe(0);

  for (const [tenant, priority] of [
    ['archive', 'normal'],
    ['somebody-else', 'high'],
  ] as const) {
    const jobId = await start(tenant, priority);
    await expect.poll(() => waiting(priority), { timeout: 30_000 }).toBe(1);
    expect(await turnsBefore(jobId)).toBeLessThanOrEqual(2);
  }
  expect(await waiting('low')).toBeGreaterThan(0);
  await client.workflow.getHandle(id).terminate('seen enough');
}, 240_000);
