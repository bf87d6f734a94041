/**
 * Jobs take turns, on a real server: the real workflow, activities that only answer, and slots that the test keeps
 * occupied as long as it wants.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createWorkflowActivities } from '../../activities/index.ts';
import type { CpuActivities } from '../../schema/activities.ts';
import { type JobId, jobIdFor } from '../../schema/ids.ts';
import type { VideoInfo } from '../../schema/source.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import { createTemporalHttpOrchestrator } from '../../temporal/http/index.ts';
import type { Orchestrator } from '../../temporal/orchestrator.ts';
import { newMemo, putRequest } from '../support/requests.ts';
import { startTemporal } from '../support/temporal.ts';
import { answers, SHA } from './answers.ts';

/** One slot, whose activities end one by one. */
class Slot {
  /** The jobs whose activities have had the slot, in order. */
  readonly begun: string[] = [];
  #isOpen = false;
  #release: () => void = () => undefined;

  async pass(jobId: string): Promise<void> {
    this.begun.push(jobId);
    if (!this.#isOpen) await new Promise<void>((resolve) => (this.#release = resolve));
  }

  /** Ends the activity that has the slot, and waits until the next has it. */
  async next(): Promise<string> {
    const before = this.begun.length;
    this.#release();
    await expect.poll(() => this.begun.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(before);
    return this.begun[before] as string; // polled above
  }

  /** From now on activities end at once. */
  open(): void {
    this.#isOpen = true;
    this.#release();
  }

  close(): void {
    this.#isOpen = false;
    this.begun.length = 0;
  }
}

const decoder = new Slot();
const model = new Slot();
const closers: (() => PromiseLike<unknown>)[] = [];
/** Length of each video in seconds, and pages of each deck, by job. */
const videos = new Map<string, number>();
const decks = new Map<string, number>();
const started: JobId[] = [];
let client: Client;
let orchestrator: Orchestrator;
let overHttp: Orchestrator;
let store: ArtifactStore;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-turns-'));
  closers.push(() => rm(root, { recursive: true })); // last of all: workers write to it
  const server = await startTemporal();
  closers.push(() => server[Symbol.asyncDispose]());
  client = server.client;
  store = createFolderStore(root);
  orchestrator = createTemporalOrchestrator(client, store);
  overHttp = createTemporalHttpOrchestrator({ url: server.server.httpUrl, namespace: 'default' }, store);
  const { cpu, gpu } = answers(4);
  const ingest: CpuActivities['ingest'] = async ({ jobId }) => {
    const ingested = await cpu.ingest({ jobId });
    const duration = videos.get(jobId);
    if (duration !== undefined)
      return { ...ingested, source: { ...VIDEO, duration } as VideoInfo, artifact: jobId, slides: [] };
    const pages = decks.get(jobId) ?? 4;
    return { ...ingested, source: { type: 'deck', sha256: SHA, bytes: 1, pages }, slides: [[1, pages]] };
  };
  const extractFrames: CpuActivities['extractFrames'] = async (input) => {
    if (input.span.kind === 'slides') return cpu.extractFrames(input);
    await decoder.pass(input.artifact);
    return { extraction: 'x', kept: 1, dropped: 0, gaps: 0 };
  };
  const plan: CpuActivities['plan'] = async ({ jobId }) => ({
    segments: Math.ceil((decks.get(jobId) ?? 4) / 4),
    frames: decks.get(jobId) ?? 4,
  });
  const activities = { ...cpu, ingest, extractFrames, plan };
  await server.runWorkers(
    {
      workflowBundle: await bundleWorkflowCode({
        workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
        logger: new DefaultLogger('ERROR'),
      }),
      taskQueue: TASK_QUEUES.workflow,
      // Nobody reads the logs of these jobs.
      activities: {
        ...createWorkflowActivities({ store }),
        planMerges: cpu.planMerges,
        appendEvents: async () => undefined,
      },
    },
    { taskQueue: TASK_QUEUES.cpu, activities },
    { taskQueue: TASK_QUEUES.decode, activities, maxConcurrentActivityTaskExecutions: 1 },
    {
      taskQueue: TASK_QUEUES.gpu,
      activities: {
        ...gpu,
        describeSegment: async (input: { readonly jobId: string }) => {
          await model.pass(input.jobId);
          return gpu.describeSegment(input as never); // an answer that needs no input
        },
      },
      maxConcurrentActivityTaskExecutions: 1,
    },
  );
}, 120_000);

afterEach(async () => {
  for (const jobId of started.splice(0))
    await client.workflow
      .getHandle(jobId)
      .terminate('seen enough')
      .catch(() => undefined); // it has ended
  decoder.open();
  model.open();
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
}, 60_000);

const VIDEO = {
  ...{
    type: 'video',
    sha256: SHA,
    bytes: 1,
    startOffset: 0,
    width: 64,
    height: 64,
    tracks: [],
    videoTrack: 0,
  },
  coding: {} as never, // read by activities only
  frameRate: {} as never,
} as const;

async function start(
  tenant: string,
  name: string,
  about: { seconds: number } | { pages: number },
): Promise<JobId> {
  const jobId = await jobIdFor(tenant, name);
  if ('seconds' in about) videos.set(jobId, about.seconds);
  else decks.set(jobId, about.pages);
  started.push(jobId);
  await putRequest(store, jobId, { source: { type: 'deck', file_id: `file_${'a'.repeat(26)}` } });
  await orchestrator.start({ jobId, memo: newMemo(tenant, name), key: 'content' });
  return jobId;
}

/** Waits until each of these jobs has at least this many activities in flight, of one type if it is given. */
async function waitForActivities(jobs: readonly JobId[], count: number, type?: string): Promise<void> {
  const fewest = async (): Promise<number> => {
    const all = await Promise.all(jobs.map((jobId) => client.workflow.getHandle(jobId).describe()));
    const isCounted = (name: unknown): boolean => type === undefined || name === type;
    return Math.min(
      ...all.map(
        ({ raw }) => (raw.pendingActivities ?? []).filter((one) => isCounted(one.activityType?.name)).length,
      ),
    );
  };
  await expect.poll(fewest, { timeout: 60_000, interval: 10 }).toBeGreaterThanOrEqual(count);
}

/**
 * Gives the slot to the next activity, as often as `isDone` is false of the jobs that had it. Between two turns each of
 * `long` schedules its next activity, as there is time for where an activity takes seconds.
 */
async function turnsUntil(
  slot: Slot,
  long: readonly JobId[],
  inFlight: number,
  isDone: (turns: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const turns: string[] = [];
  while (!isDone(turns)) {
    turns.push(await slot.next());
    await waitForActivities(long, inFlight);
  }
  return turns;
}

it('a deck ends while spans of a video occupy every slot for decoding', async () => {
  decoder.close();
  model.open();
  const film = await start('one', 'film', { seconds: 900 });
  await waitForActivities([film], 8);
  const deck = await start('one', 'deck', { pages: 12 });
  await client.workflow.getHandle(deck).result();
  expect(decoder.begun).toEqual([film]);
}, 120_000);

it('a short video is decoded before most spans of a long one that wait', async () => {
  decoder.close();
  model.open();
  const film = await start('two', 'film', { seconds: 60 * 120 });
  await waitForActivities([film], 8);
  await turnsUntil(decoder, [film], 8, (had) => had.length === 6);
  const clip = await start('two', 'clip', { seconds: 60 });
  await waitForActivities([clip], 1, 'extractFrames');
  for (const wire of [orchestrator, overHttp]) {
    // The slot for decoding is taken, so the clip comes to wait.
    await expect
      .poll(() => wire.describe(clip), { timeout: 30_000, interval: 10 })
      .toMatchObject({ state: 'running', isWaiting: true });
    expect(await wire.describe(film)).not.toHaveProperty('isWaiting');
  }
  const turns = await turnsUntil(decoder, [film], 8, (had) => had.includes(clip));
  expect(turns.length).toBeLessThanOrEqual(4);
}, 120_000);

it('a short deck is described in turn with the segments of long ones', async () => {
  model.close();
  const long = [await start('three', 'a', { pages: 800 }), await start('three', 'b', { pages: 800 })];
  await waitForActivities(long, 16);
  await turnsUntil(model, long, 16, (had) => had.length === 6);
  const short = await start('three', 'short', { pages: 4 });
  await waitForActivities([short], 1, 'describeSegment');
  const turns = await turnsUntil(model, long, 16, (had) => had.includes(short));
  // 31 were in the queue when it came.
  expect(turns.length).toBeLessThanOrEqual(16);
}, 120_000);

it('no activity of a job waits until a longer job has ended', async () => {
  model.close();
  const long = await start('four', 'long', { pages: 1600 });
  await waitForActivities([long], 16);
  await turnsUntil(model, [long], 16, (had) => had.length === 4);
  const medium = await start('four', 'medium', { pages: 64 });
  await waitForActivities([medium], 16);
  const ofMedium = (had: readonly string[]) => had.filter((jobId) => jobId === medium).length;
  const turns = await turnsUntil(model, [long], 16, (had) => ofMedium(had) === 16);
  // If both simply alternated, it would be 32 turns; if one came after the other, 416.
  expect(turns.length).toBeLessThanOrEqual(110);
}, 120_000);

it('a tenant with one job has its share beside a tenant with many', async () => {
  model.close();
  const many = await Promise.all([1, 2, 3, 4].map((n) => start('five', `deck ${n}`, { pages: 800 })));
  await waitForActivities(many, 16);
  const only = await start('six', 'deck', { pages: 800 });
  await waitForActivities([only], 16);
  const turns = await turnsUntil(model, [...many, only], 16, (had) => had.length === 40);
  const share = turns.filter((jobId) => jobId === only).length / turns.length;
  expect(share).toBeGreaterThan(0.35);
  expect(share).toBeLessThan(0.65);
}, 120_000);
