/**
 * Records a history of each path of each workflow, on a real server, into test/workflows/histories. Later workflow code must
 * replay them. Run it for a new path, or delete the old histories and run it after an incompatible change.
 * Usage: node --import tsx scripts/record-histories.ts
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Context } from '@temporalio/activity';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { type Activities, otherWays } from '../bench/costs/batch-ways.ts';
import { jobIdFor } from '../schema/ids.ts';
import { SummaryRequest, type SummaryRequestInput } from '../schema/request.ts';
import type { SummarizeInput } from '../schema/stages.ts';
import { jobOptions } from '../schema/stored-request.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';
import { startTemporal } from '../test/support/temporal.ts';
import { answers } from '../test/workflows/answers.ts';

const folder = fileURLToPath(new URL('../test/workflows/histories/', import.meta.url));
/** Number of events after which the server suggests a new run. Small, so a short job has several runs. */
const CONTINUE_AS_NEW_EVENTS = 300;

interface WorkflowPath {
  readonly name: string;
  readonly pages: number;
  /** Replaces activities of the successful path. */
  readonly change?: (successful: Activities) => Activities;
  readonly request?: Partial<SummaryRequestInput>;
  /** Cancels the job once this activity has begun. */
  readonly cancel?: 'extractFrames' | 'describeSegment' | 'reduce';
}

/** Runs until it is cancelled. */
async function hang(): Promise<never> {
  for (;;) {
    Context.current().heartbeat();
    await Context.current().sleep(50);
  }
}

/** Returns an activity that runs until its cancellation, and a promise for its start. */
function createBlockingActivity(): { readonly reached: Promise<void>; readonly block: () => Promise<never> } {
  let began = (): void => {};
  const reached = new Promise<void>((resolve) => {
    began = resolve;
  });
  return {
    reached,
    block() {
      began();
      return hang();
    },
  };
}

/** Fails on its first attempt. */
function failFirst(run: ((input: never) => Promise<unknown>) | undefined) {
  return async (input: never): Promise<unknown> => {
    if (Context.current().info.attempt === 1) throw ApplicationFailure.retryable('lost', 'model_crashed');
    return run?.(input);
  };
}

const poison = async (): Promise<never> => {
  throw ApplicationFailure.nonRetryable('too long', 'context_exceeded');
};

/** Prices per million tokens: 0.001 EUR per token. */
const PRICES = { currency: 'EUR', input: 1000, output: 1000, gpuSecond: 0 };
const MOST = { inputTokens: 500, outputTokens: 100 };

const PATHS: readonly WorkflowPath[] = [
  { name: 'completed', pages: 24 },
  {
    name: 'retried',
    pages: 8,
    change: (successful) => ({
      extractFrames: failFirst(successful.extractFrames),
      describeSegment: failFirst(successful.describeSegment),
      reduce: failFirst(successful.reduce),
    }),
  },
  {
    name: 'gap',
    pages: 12,
    change: (successful) => ({
      describeSegment: (input) =>
        (input as { readonly entry: number }).entry === 1
          ? poison()
          : (successful.describeSegment?.(input) ?? poison()),
    }),
  },
  {
    name: 'budget',
    pages: 48,
    request: { max_cost: 8 },
    change: (successful) => ({
      ingest: async (input) => ({ ...((await successful.ingest?.(input)) as object), prices: PRICES }),
      plan: async (input) => ({ ...((await successful.plan?.(input)) as object), maxSegmentTokens: MOST }),
      describeSegment: async (input) => ({
        ...((await successful.describeSegment?.(input)) as object),
        ...{ inputTokens: 400, outputTokens: 40 },
      }),
    }),
  },
  {
    name: 'repaired',
    pages: 12,
    change: (successful) => {
      const missed = new Set<unknown>();
      const once = (name: string, activity: string) => async (input: never) => {
        if (missed.has(name)) return successful[activity]?.(input);
        missed.add(name);
        throw ApplicationFailure.nonRetryable('gone', 'source_missing');
      };
      return {
        describeSegment: (input) =>
          once(`images ${(input as { readonly entry: number }).entry}`, 'describeSegment')(input),
        reduce: once('captions', 'reduce'),
        finish: once('texts', 'finish'),
        findMissing: async () => ({
          missing: [{ segment: 1 }, { level: 0, group: 2 }, { level: 1, group: 0 }],
        }),
      };
    },
  },
  { name: 'failed-at-ingest', pages: 4, change: () => ({ ingest: poison }) },
  { name: 'failed-everywhere', pages: 8, change: () => ({ describeSegment: poison }) },
  { name: 'cancelled-extracting', pages: 8, cancel: 'extractFrames' },
  { name: 'cancelled-describing', pages: 8, cancel: 'describeSegment' },
  { name: 'cancelled-reducing', pages: 8, cancel: 'reduce' },
  { name: 'continued', pages: 900 },
];

async function main(): Promise<void> {
  await using temporal = await startTemporal([
    `limit.historyCount.suggestContinueAsNew=${CONTINUE_AS_NEW_EVENTS}`,
  ]);
  const { client } = temporal;
  const bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  let current: Activities = {};
  const names = [
    ...Object.keys(answers(1).cpu),
    ...Object.keys(answers(1).gpu),
    ...['appendEvents', 'storeShard', 'collectGarbage', 'estimateCosts', 'prepareFiring'],
    ...['readBatchLines', 'settleJobs', 'finishBatch'],
  ];
  const activities = Object.fromEntries(
    names.map((name) => [name, (input: never) => current[name]?.(input) ?? Promise.resolve()]),
  );
  await temporal.runWorkers(
    ...Object.values(TASK_QUEUES).map((taskQueue) => ({
      taskQueue,
      activities,
      ...(taskQueue === TASK_QUEUES.workflow ? { workflowBundle: bundle } : {}),
      maxHeartbeatThrottleInterval: '50ms' as const,
    })),
  );
  await mkdir(folder, { recursive: true });
  for (const path of PATHS) {
    const { cpu, gpu } = answers(path.pages);
    const successful = { ...cpu, ...gpu } as unknown as Activities; // every activity takes one object
    const { reached, block } = createBlockingActivity();
    const options = jobOptions(
      SummaryRequest.parse({
        source: { type: 'deck', file_id: `file_${'a'.repeat(26)}` },
        ...path.request,
      }),
    );
    const changed = { ...successful, ...path.change?.(successful) };
    const ingest = async (job: never): Promise<unknown> => {
      const ingested = await changed.ingest?.(job);
      return { ...(ingested as object), options }; // as the real activity returns it
    };
    current = { ...changed, ingest, ...(path.cancel ? { [path.cancel]: block } : {}) };
    const jobId = await jobIdFor('histories', path.name);
    const input: SummarizeInput = { jobId, tenant: 'histories' };
    const handle = await client.workflow.start('summarize', {
      workflowId: jobId,
      taskQueue: TASK_QUEUES.workflow,
      args: [input],
    });
    if (path.cancel) {
      await reached;
      await handle.cancel();
    }
    await handle.result().catch(() => undefined);
    await writeHistories(client, `summarize-${path.name}`, handle);
  }
  for (const path of await otherWays(poison)) {
    const { cpu, gpu } = answers(4);
    const successful = { ...cpu, ...gpu } as unknown as Activities; // every activity takes one object
    const { reached, block } = createBlockingActivity();
    current = { ...successful, ...path.activities, ...(path.change ? { describeSegment: block } : {}) };
    const handle = await client.workflow.start(path.workflow, {
      workflowId: path.id,
      taskQueue: TASK_QUEUES.workflow,
      args: [path.input],
    });
    if (path.change) {
      await reached;
      await path.change(handle);
    }
    await handle.result().catch(() => undefined);
    await writeHistories(client, path.name, handle);
  }
  current = { collectGarbage: async () => ({}) };
  const handle = await client.workflow.start('collectGarbage', {
    workflowId: 'collect-garbage',
    taskQueue: TASK_QUEUES.workflow,
  });
  await handle.result();
  await writeHistories(client, 'collect-garbage-completed', handle);
}

/** Removes data of the recording machine, which replays do not use. */
function withoutMachineData(name: string, value: unknown): unknown {
  if (name === 'identity') return 'recorder';
  return name === 'stackTrace' ? '' : value;
}

/** Writes the history of each run of a workflow. */
async function writeHistories(client: Client, name: string, handle: WorkflowHandle): Promise<void> {
  const { raw } = await handle.describe();
  let runId: string | undefined = raw.workflowExecutionInfo?.firstRunId || undefined;
  for (let run = 1; runId !== undefined; run += 1) {
    const history = await client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    const file = `${name}${run === 1 ? '' : `-${run}`}.json.gz`;
    const json = JSON.stringify(JSON.parse(historyToJSON(history), withoutMachineData));
    await writeFile(`${folder}${file}`, gzipSync(json, { level: 9 }));
    console.log(`${file}: ${history.events?.length} events`);
    const last = history.events?.at(-1);
    runId = last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId || undefined;
  }
}

await main();
