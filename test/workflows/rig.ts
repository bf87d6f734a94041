/** The workflow on a real server, with workers whose activities each test replaces. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Priority } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { CpuActivities, GpuActivities, WorkflowActivities } from '../../schema/activities.ts';
import { jobIdFor } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import { SummaryRequest, type SummaryRequestInput } from '../../schema/request.ts';
import type { AppendEventsInput, LoggedEvent, StoreShardInput, SummarizeInput } from '../../schema/stages.ts';
import { jobOptions } from '../../schema/stored-request.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { newMemo, putRequest } from '../support/requests.ts';
import { startTemporal } from '../support/temporal.ts';
import { KeptShards } from './answers.ts';

/** Events that no other follows. */
const LAST: ReadonlySet<string> = new Set(['job.completed', 'job.failed', 'job.cancelled']);

export interface Run {
  readonly handle: WorkflowHandle;
  readonly events: readonly LoggedEvent[];
  readonly kept: KeptShards;
  readonly memo: JobMemo;
  /** What a reader finds who asks as soon as the last event is there. */
  readonly memoAtLastEvent: JobMemo | undefined;
  readonly error: unknown;
}

export interface RunOptions {
  readonly request?: Partial<SummaryRequestInput>;
  /** Where activities find the request. */
  readonly store?: BlobStore;
  readonly priority?: Priority;
  /** Runs beside the job. */
  readonly during?: (handle: WorkflowHandle) => Promise<void>;
}

export interface Rig extends AsyncDisposable {
  readonly client: Client;
  readonly bundle: WorkflowBundleWithSourceMap;
  /** Runs one job with these activities and answers what it left behind. One at a time. */
  runJob(
    activities: {
      readonly cpu: CpuActivities & Pick<WorkflowActivities, 'planMerges'>;
      readonly gpu: GpuActivities;
      readonly local?: Partial<WorkflowActivities>;
    },
    options?: RunOptions,
  ): Promise<Run>;
}

/** Starts server and workers. To be called once in a process. */
export async function openRig(): Promise<Rig> {
  /** What the workers do at the moment. */
  let current: CpuActivities & GpuActivities & WorkflowActivities;
  /** Activities that do what `current` does when they are called. */
  const now = (
    ...names: readonly (keyof typeof current)[]
  ): Record<string, (input: never) => Promise<unknown>> =>
    Object.fromEntries(names.map((name) => [name, (input: never) => current[name](input)]));

  const temporal = await startTemporal();
  const { client } = temporal;
  const bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  await temporal.runWorkers(
    {
      workflowBundle: bundle,
      taskQueue: TASK_QUEUES.workflow,
      activities: now('appendEvents', 'storeShard', 'planMerges'),
    },
    {
      taskQueue: TASK_QUEUES.decode,
      activities: now('extractFrames', 'readTranscript'),
      maxHeartbeatThrottleInterval: '100ms',
    },
    {
      taskQueue: TASK_QUEUES.cpu,
      activities: now(
        'ingest',
        'extractFrames',
        'matchSlides',
        'plan',
        'preprocessFrames',
        'findMissing',
        'finish',
      ),
      maxHeartbeatThrottleInterval: '100ms',
    },
    {
      taskQueue: TASK_QUEUES.gpu,
      activities: now('describeSegment', 'reduce'),
      maxHeartbeatThrottleInterval: '100ms',
    },
  );

  return {
    client,
    bundle,
    async runJob({ cpu, gpu, local }, { request, store, priority, during } = {}) {
      const log: LoggedEvent[] = [];
      const kept = new KeptShards();
      let memoAtLastEvent: JobMemo | undefined;
      const jobId = await jobIdFor('test', randomUUID());
      const parsed = SummaryRequest.parse({
        source: { type: 'deck', file_id: `file_${'a'.repeat(26)}` },
        ...request,
      });
      if (store) await putRequest(store, jobId, parsed);
      current = {
        ...cpu,
        ...gpu,
        ingest: async (ingested) => ({ ...(await cpu.ingest(ingested)), options: jobOptions(parsed) }),
        storeShard: async (shard: StoreShardInput): Promise<void> => kept.keep(shard),
        appendEvents: async ({ events }: AppendEventsInput): Promise<void> => {
          log.push(...events);
          if (events.some(({ type }) => LAST.has(type))) {
            const found = await client.workflow.getHandle(jobId).describe();
            memoAtLastEvent = found.memo as unknown as JobMemo; // the memo the workflow writes
          }
        },
        ...local,
      };
      const input: SummarizeInput = { jobId, tenant: 'test' };
      const handle = await client.workflow.start('summarize', {
        workflowId: jobId,
        taskQueue: TASK_QUEUES.workflow,
        args: [input],
        memo: { ...newMemo('test', 'f') },
        ...(priority ? { priority } : {}),
      });
      await during?.(handle);
      // Without a run id: the end of the chain, however often it goes on in another run.
      const error: unknown = await client.workflow
        .getHandle(jobId)
        .result()
        .then(
          () => undefined,
          (failure: unknown) => failure,
        );
      const { memo } = await client.workflow.getHandle(jobId).describe();
      return {
        handle: client.workflow.getHandle(jobId),
        events: log,
        kept,
        memo: memo as unknown as JobMemo, // the memo the workflow writes
        memoAtLastEvent,
        error,
      };
    },
    [Symbol.asyncDispose]: () => temporal[Symbol.asyncDispose](),
  };
}
