/** The workflow on a real server, with activities that only answer: what it decides, not what they compute. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLastEvent, type JobEvent } from '../../schema/events.ts';
import { jobIdFor } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import { SummaryRequest, type SummaryRequestInput } from '../../schema/request.ts';
import type {
  CpuActivities,
  DescribeInput,
  FinishInput,
  GpuActivities,
  ModelPlan,
  SummarizeInput,
  WorkflowActivities,
} from '../../schema/stages.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import { startTemporalServer, type TestServer } from '../support/temporal-server.ts';

const SHA = 'a'.repeat(64);
const model: ModelPlan = {
  name: 'm',
  revision: 'r',
  crops: 1,
  maxImages: 4,
  promptTokens: 4096,
  merge: { captions: 4, parts: 3 },
  tokens: { captionPerImage: 64, summary: 512, title: 24 },
  evidence: 1,
  wordTokens: 0,
};
const cost = { attempts: 1, cached: false, gpuSeconds: 0.1, visionCalls: 0, rows: 1, runtime: 'test' };

/** A deck of `pages` slides through every stage; tests replace single activities. */
function answers(pages: number): { cpu: CpuActivities; gpu: GpuActivities; finished: FinishInput[] } {
  const finished: FinishInput[] = [];
  return {
    finished,
    cpu: {
      ingest: async () => ({
        source: { type: 'deck', sha256: SHA, bytes: 1, pages },
        artifact: `source/${SHA}`,
        slides: [[1, pages]],
        model,
      }),
      extractFrames: async ({ span }) => ({
        extraction: `extractions/${span.kind === 'slides' ? span.slides[0] : ''}.json`,
        frames: (span.kind === 'slides' ? span.slides : []).map((slide) => ({
          name: `frames/${SHA}`,
          width: 640,
          height: 360,
          slide,
        })),
        dropped: 0,
        gaps: 0,
      }),
      readWords: async () => ({}),
      matchSlides: async () => ({ shown: 'shown/x.json' }),
      preprocessFrames: async ({ frames }) =>
        frames.map(() => ({ crops: `crops/${SHA}.bin`, imageTokens: 313 })),
      writeManifest: async () => undefined,
      finish: async (input) => {
        finished.push(input);
        return { result: { name: 'jobs/x/result.json', sha256: SHA }, ledger: 'jobs/x/ledger.json' };
      },
    },
    gpu: {
      describeSegment: async ({ crops }) => ({
        ...cost,
        generation: `generations/${SHA}.json`,
        captions: crops.map((_, index) => `Caption ${index}.`),
        lines: crops.length,
      }),
      reduce: async ({ kind }) => ({
        ...cost,
        generation: `generations/${SHA}.json`,
        ...(kind === 'title' ? { title: 'A title' } : {}),
      }),
    },
  };
}

let server: TestServer;
let connection: NativeConnection;
let client: Client;
let bundle: WorkflowBundleWithSourceMap;
let stop: () => Promise<void>;
/** What the workers do at the moment. */
let current: CpuActivities & GpuActivities & WorkflowActivities;

beforeAll(async () => {
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  server = await startTemporalServer();
  connection = await NativeConnection.connect({ address: server.address });
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
  bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
  });
  const workers = await Promise.all([
    Worker.create({
      connection,
      workflowBundle: bundle,
      taskQueue: TASK_QUEUES.workflow,
      activities: now('appendEvents'),
    }),
    Worker.create({
      connection,
      taskQueue: TASK_QUEUES.cpu,
      activities: now(
        'ingest',
        'extractFrames',
        'readWords',
        'matchSlides',
        'preprocessFrames',
        'writeManifest',
        'finish',
      ),
    }),
    Worker.create({
      connection,
      taskQueue: TASK_QUEUES.gpu,
      activities: now('describeSegment', 'reduce'),
      maxHeartbeatThrottleInterval: '100ms',
    }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  stop = async () => {
    for (const worker of workers) worker.shutdown();
    await running;
  };
}, 120_000);

/** Activities that do what `current` does when they are called. */
function now(
  ...names: readonly (keyof typeof current)[]
): Record<string, (input: never) => Promise<unknown>> {
  return Object.fromEntries(names.map((name) => [name, (input: never) => current[name](input)]));
}

afterAll(async () => {
  await stop?.();
  await client?.connection.close();
  await connection?.close();
  await server?.[Symbol.asyncDispose]();
});

interface Run {
  readonly handle: WorkflowHandle;
  readonly events: readonly JobEvent[];
  readonly memo: JobMemo;
  /** What a reader finds who asks as soon as the last event is there. */
  readonly memoAtLastEvent: JobMemo | undefined;
  readonly error: unknown;
}

/** Runs one job with these activities and answers what it left behind. */
async function runJob(
  activities: { cpu: CpuActivities; gpu: GpuActivities },
  request: Partial<SummaryRequestInput> = {},
  during: (handle: WorkflowHandle) => Promise<void> = async () => undefined,
): Promise<Run> {
  const log: JobEvent[] = [];
  let memoAtLastEvent: JobMemo | undefined;
  const append = {
    appendEvents: async (batch: { readonly events: readonly JobEvent[] }): Promise<void> => {
      log.push(...batch.events);
      if (batch.events.some(isLastEvent)) {
        const { memo } = await client.workflow.getHandle(input.jobId).describe();
        memoAtLastEvent = memo as unknown as JobMemo; // the memo the workflow writes
      }
    },
  };
  current = { ...activities.cpu, ...activities.gpu, ...append };
  const input: SummarizeInput = {
    jobId: await jobIdFor('test', randomUUID()),
    tenant: 'test',
    request: SummaryRequest.parse({
      source: { type: 'deck', file_id: `file_${'a'.repeat(26)}` },
      ...request,
    }),
  };
  const handle = await client.workflow.start('summarize', {
    workflowId: input.jobId,
    taskQueue: TASK_QUEUES.workflow,
    args: [input],
  });
  await during(handle);
  const error: unknown = await handle.result().then(
    () => undefined,
    (failure: unknown) => failure,
  );
  const { memo } = await handle.describe();
  return { handle, events: log, memo: memo as unknown as JobMemo, memoAtLastEvent, error }; // the memo the workflow writes
}

describe('a job whose slides could not all be drawn', () => {
  it('has them described by their words, apart from the others, and ends with a gap for each', async () => {
    const activities = answers(6);
    const described: DescribeInput[] = [];
    const { extractFrames } = activities.cpu;
    const { describeSegment } = activities.gpu;
    const { memo, events } = await runJob({
      cpu: {
        ...activities.cpu,
        extractFrames: async (input) => {
          const output = await extractFrames(input);
          const frames = output.frames.map((frame) =>
            frame.slide === 3 ? { ...frame, placeholder: true as const } : frame,
          );
          return { ...output, frames, gaps: 1 };
        },
      },
      gpu: {
        ...activities.gpu,
        describeSegment: async (input) => {
          described.push(input);
          return describeSegment(input);
        },
      },
    });
    expect(memo.outcome?.status).toBe('completed_with_gaps');
    expect(events.at(-1)).toMatchObject({ type: 'job.completed', gaps: 1 });
    const alone = described.filter(({ crops }) => crops.length === 0);
    expect(alone.map(({ words }) => words)).toEqual([
      { kind: 'slides', extractions: ['extractions/1.json'], slides: [3] },
    ]);
    // A model that follows no instructions is given no words.
    expect(described.filter(({ crops, words }) => crops.length > 0 && words !== undefined)).toEqual([]);
  });
});

describe('a job on a video with words and a deck', () => {
  const words = { artifact: 'words/x.json', from: 'track' } as const;
  const source = {
    type: 'video',
    sha256: SHA,
    bytes: 1,
    duration: 20,
    startOffset: 0,
    width: 64,
    height: 64,
    coding: { turn: 0, mirrored: false, range: 'sdr', interlaced: false },
    frameRate: { kind: 'constant', average: 25 },
    subtitles: [],
  } as const;

  it.each([0, 512])(
    'offers the words spoken in each segment within %i tokens, and finishes with both',
    async (tokens) => {
      const activities = answers(1);
      const described: DescribeInput[] = [];
      const { describeSegment } = activities.gpu;
      await runJob(
        {
          cpu: {
            ...activities.cpu,
            ingest: async () => ({
              source,
              artifact: `source/${SHA}`,
              slides: [],
              deck: { sha256: SHA, pages: 2, pictures: 'source/deck' },
              model: { ...model, maxImages: 2, wordTokens: tokens },
            }),
            extractFrames: async () => ({
              extraction: 'extractions/v.json',
              frames: [1, 5, 9, 15].map((time) => ({ name: `frames/${SHA}`, width: 64, height: 64, time })),
              dropped: 0,
              gaps: 0,
            }),
            readWords: async () => ({ words }),
          },
          gpu: {
            ...activities.gpu,
            describeSegment: async (input) => {
              described.push(input);
              return describeSegment(input);
            },
          },
        },
        { source: { type: 'video', url: 'https://example.com/a.mp4' } },
      );
      const spoken = (start: number, end: number) => ({
        kind: 'speech',
        artifact: words.artifact,
        start,
        end,
      });
      const asked = described.map((input) => input.words).sort((a, b) => startOf(a) - startOf(b));
      // Words before the first picture belong to the first segment.
      expect(asked).toEqual(tokens === 0 ? [undefined, undefined] : [spoken(0, 9), spoken(9, 20)]);
      expect(activities.finished[0]).toMatchObject({ words, shown: 'shown/x.json' });
    },
  );

  const startOf = (ref: DescribeInput['words']): number => (ref?.kind === 'speech' ? ref.start : 0);
});

describe('a job', () => {
  it('describes every slide once, merges level by level, and finishes', async () => {
    const activities = answers(45);
    const { memo, error } = await runJob(activities);
    expect(error).toBeUndefined();
    expect(memo.outcome).toEqual({
      status: 'completed',
      result: { name: 'jobs/x/result.json', sha256: SHA },
      ledger: 'jobs/x/ledger.json',
    });
    const [input] = activities.finished;
    expect(input?.segments.map(({ first, last }) => last - first).reduce((a, b) => a + b)).toBe(45);
    expect(input?.sections.at(-1)?.last).toBe(input?.segments.length);
    // 12 segments of at most 4 captions: 12 sections, merged by threes: 4, 2, 1.
    expect(input?.reductions).toHaveLength(12 * 2 + 4 + 2 + 1 + 1);
  });

  it('numbers its events without holes, and its percent never falls', async () => {
    const { events, memo } = await runJob(answers(30));
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(0)?.type).toBe('job.started');
    expect(events.at(-1)?.type).toBe('job.completed');
    const percents = events.map(({ progress }) => progress.percent);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(memo.progress).toMatchObject({ percent: 100, stage: 'done' });
  });

  it('has its outcome ready for whoever sees its last event', async () => {
    const { memoAtLastEvent } = await runJob(answers(4));
    expect(memoAtLastEvent?.outcome?.status).toBe('completed');
    expect(memoAtLastEvent?.progress).toMatchObject({ percent: 100, stage: 'done' });
    const failing = answers(4);
    failing.cpu.ingest = async () => {
      throw ApplicationFailure.nonRetryable('Nothing there.', 'empty_source');
    };
    expect((await runJob(failing)).memoAtLastEvent?.outcome?.error?.code).toBe('empty_source');
  });

  it('makes a segment that cannot be described a gap, and completes with gaps', async () => {
    const activities = answers(12);
    const describeSegment = activities.gpu.describeSegment;
    let calls = 0;
    activities.gpu.describeSegment = async (input) => {
      calls += 1;
      if (calls === 2) throw ApplicationFailure.nonRetryable('too long', 'context_exceeded');
      return describeSegment(input);
    };
    const { memo, events } = await runJob(activities);
    expect(memo.outcome?.status).toBe('completed_with_gaps');
    expect(activities.finished[0]?.segments.filter((segment) => 'reason' in segment)).toMatchObject([
      { reason: 'context_exceeded' },
    ]);
    expect(events.filter(({ type }) => type === 'segment.failed')).toHaveLength(1);
  });

  it('fails when no segment can be described', async () => {
    const activities = answers(8);
    activities.gpu.describeSegment = async () => {
      throw ApplicationFailure.nonRetryable('too long', 'context_exceeded');
    };
    const { memo, error } = await runJob(activities);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(memo.outcome).toMatchObject({
      status: 'failed',
      error: { code: 'context_exceeded', retryable: false },
    });
  });

  it('fails with the code and message of the refusal, and spends no GPU time on it', async () => {
    const activities = answers(8);
    let described = false;
    activities.gpu.describeSegment = async () => {
      described = true;
      throw new Error('not reached');
    };
    activities.cpu.ingest = async () => {
      throw ApplicationFailure.nonRetryable('The PDF wants a password.', 'encrypted_media');
    };
    const { memo, events } = await runJob(activities);
    expect(memo.outcome?.error).toMatchObject({
      code: 'encrypted_media',
      message: 'The PDF wants a password.',
    });
    expect(events.at(-1)).toMatchObject({ type: 'job.failed', error: { code: 'encrypted_media' } });
    expect(described).toBe(false);
  });

  it('tries again what may pass, and shows nothing of an unexpected failure', async () => {
    const activities = answers(4);
    const ingest = activities.cpu.ingest;
    let calls = 0;
    activities.cpu.ingest = async (input) => {
      calls += 1;
      if (calls === 1) throw ApplicationFailure.retryable('the disk is full', 'storage_full');
      return ingest(input);
    };
    activities.cpu.finish = async () => {
      throw ApplicationFailure.nonRetryable('ENOENT: /secret/path', 'Error');
    };
    const { memo } = await runJob(activities);
    expect(calls).toBe(2);
    expect(memo.outcome?.error?.code).toBe('internal');
    expect(JSON.stringify(memo.outcome)).not.toContain('secret');
  });

  it('reaches a running generation when it is cancelled, and waits for it to stop', async () => {
    const activities = answers(8);
    let reach = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    let stopped = false;
    activities.gpu.describeSegment = async () => {
      const context = Context.current();
      reach();
      const beat = setInterval(() => context.heartbeat(), 100);
      try {
        return await context.cancelled;
      } finally {
        clearInterval(beat);
        stopped = true;
      }
    };
    const { memo, events, handle } = await runJob(activities, {}, async (running) => {
      await reached;
      await running.cancel();
    });
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(stopped).toBe(true);
    expect(memo.outcome).toEqual({ status: 'cancelled' });
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['job.cancelling', 'job.cancelled']);
  });

  it('passes no payload over 64 KB, and its history replays', async () => {
    const { handle } = await runJob(answers(400));
    const history = await handle.fetchHistory();
    const payloads = JSON.stringify(history, (_, value: unknown) =>
      value instanceof Uint8Array ? `<${value.byteLength}>` : value,
    ).match(/(?<=<)\d+(?=>)/g);
    expect(Math.max(...(payloads ?? []).map(Number))).toBeLessThan(65_536);
    expect(history.events?.length).toBeLessThan(10_000);
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, handle.workflowId);
  });
});
