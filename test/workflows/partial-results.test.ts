/**
 * What a job says of what it could not do. Workflow and activities are the real ones, the source is decoded; only the model is
 * played, so that it fails where the test wants.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  createCpuActivities,
  createGpuActivities,
  createWorkflowActivities,
} from '../../activities/index.ts';
import { findMediaTools } from '../../media/index.ts';
import { ModelError } from '../../onnx/index.ts';
import type { GenerateRequest, Generation, Generator } from '../../phi3v/index.ts';
import type { CpuActivities, GpuActivities } from '../../schema/activities.ts';
import { type FileId, newFileId } from '../../schema/ids.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import { SummaryResult } from '../../schema/result.ts';
import {
  ENTRIES_PER_SHARD,
  type EntryShard,
  type MergeOutcome,
  type PlanShard,
  type SegmentOutcome,
} from '../../schema/shards.ts';
import type { FinishInput, JobRef } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { fileName, SOURCES, shardName } from '../../store/names.ts';
import { contentOf } from '../support/tenant-content.ts';
import { seededRandom } from '../world/random.ts';
import { openRig, type Rig, type Run } from './rig.ts';

/** Seconds of the video, and its pictures: one a second, each one a segment. */
const SECONDS = 50;
const SIZE = { width: 160, height: 96 };

const profile = ModelProfile.parse({
  name: 'm',
  revision: 'r1',
  license: 'MIT',
  prompt_style: 'numbered-lines',
  follows_instructions: false,
  detail: { low: 1, medium: 1, high: 1 },
  images_per_prompt: { '1': 1 },
  merge: { captions: 6, parts: 4 },
  evidence: 1,
  tokens: { caption_per_image: 64, summary: 512, title: 24 },
});

let rig: Rig;
let root: string;
let store: ArtifactStore;
let file: FileId;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-partial-'));
  store = createFolderStore(join(root, 'artifacts'));
  const path = join(root, 'video.mp4');
  await encode(path);
  const { sha256, bytes } = await contentOf(store, 'test').putByContent(SOURCES, createReadStream(path));
  file = newFileId();
  const record = {
    id: file,
    object: 'file',
    filename: 'x',
    bytes,
    sha256,
    created_at: new Date(0).toISOString(),
  };
  await store.put(fileName(file), new TextEncoder().encode(JSON.stringify(record)));
  rig = await openRig();
}, 180_000);
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
}, 30_000);

/** A video of one picture a second, no two alike. */
async function encode(path: string): Promise<void> {
  const { width, height } = SIZE;
  const args = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${width}x${height}`, '-r', '1', '-i', 'pipe:0'];
  const child = spawn('ffmpeg', ['-y', '-loglevel', 'error', ...args, '-pix_fmt', 'yuv420p', path], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const random = seededRandom(7);
  for (let second = 0; second < SECONDS; second += 1) {
    const tiles = Array.from({ length: 8 * 6 }, () => Math.floor(random() * 256));
    const picture = Buffer.alloc(width * height);
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1)
        picture[y * width + x] = tiles[Math.floor(y / 16) * 8 + Math.floor(x / 20)] ?? 0;
    child.stdin.write(picture);
  }
  child.stdin.end();
  await once(child, 'close');
}

/** What the model says of the picture of a segment. */
function said(segment: number): string {
  return `A card with the sign ${String.fromCharCode(97 + Math.floor(segment / 26), 97 + (segment % 26))}${segment}.`;
}

type Answer = Pick<Generation, 'text' | 'finishReason'>;

/** A model whose answers are those of `describe` for a segment; it merges by saying every line, cut where it may use less than `cutAt` tokens. */
function playModel(describe: (segment: number, attempt: number) => Answer, cutAt = 0) {
  /** Segments by the pictures they consist of. */
  const segments = new Map<string, number>();
  const attempts = new Map<number, number>();
  function answer({ images, prompt, maxTokens }: GenerateRequest): Answer {
    const [image] = images;
    if (image) {
      const segment = segments.get(image.key) ?? -1;
      attempts.set(segment, (attempts.get(segment) ?? 0) + 1);
      return describe(segment, attempts.get(segment) ?? 1);
    }
    const text = prompt.map((part) => ('text' in part ? part.text : '')).join('');
    if (text.includes('title')) return { text: 'Cards', finishReason: 'stop' };
    const lines = [...text.matchAll(/^\d+\. (.*)$/gm)].map(([, line = '']) => line);
    return maxTokens >= cutAt
      ? { text: lines.join(' '), finishReason: 'stop' }
      : { text: lines.join(' ').slice(0, 40), finishReason: 'length' };
  }
  const generator: Generator = {
    info: { runtime: 'played', maxConcurrency: 1, supportsResume: true },
    async generate(request) {
      const counts = { promptTokens: 1, imageTokens: 1, outputTokens: 1 };
      return {
        ...answer(request),
        ...counts,
        tokens: [1],
        modelSeconds: 0,
        visionCalls: 0,
        averageBatchSize: 1,
      };
    },
    async [Symbol.asyncDispose]() {},
  };
  const gpu = createGpuActivities({ store, profile, generator, scratch: root, keepFeatures: false });
  const describeSegment: GpuActivities['describeSegment'] = async (place) => {
    const name = shardName(place.jobId, place.run, 'segments', place.shard);
    const plan = JSON.parse(new TextDecoder().decode(await store.bytes(name))) as PlanShard; // as the plan wrote it
    const segment = plan.segments[place.entry];
    for (const { crops } of segment?.frames ?? [])
      segments.set(`t-test/${profile.revision}/${crops}`, segment?.index ?? -1);
    return gpu.describeSegment(place);
  };
  return { ...gpu, describeSegment };
}

async function run(
  gpu: GpuActivities,
  more: Partial<SummaryRequestInput> = {},
  beforeFinish: (input: FinishInput) => Promise<void> = async () => undefined,
): Promise<Run & { result: SummaryResult }> {
  const real = createCpuActivities({
    store,
    tools: await findMediaTools({}),
    profile,
    scratch: root,
    office: undefined,
    withoutLibreOffice: 'text',
    transcription: undefined,
    limits: { maxPixels: 2 ** 26, maxPages: 500, maxBytes: 2 ** 30, allowPrivate: true },
  });
  const cpu: CpuActivities = {
    ...real,
    finish: async (input) => {
      await beforeFinish(input);
      return real.finish(input);
    },
  };
  const local = createWorkflowActivities({ store });
  const found = await rig.runJob(
    { cpu: { ...cpu, planMerges: local.planMerges }, gpu, local },
    {
      request: { source: { type: 'video', file_id: file }, sampling: { mode: 'fps', fps: 1 }, ...more },
      store,
    },
  );
  const name = found.memo.outcome?.result?.name ?? '';
  return {
    ...found,
    result: SummaryResult.parse(JSON.parse(new TextDecoder().decode(await store.bytes(name)))),
  };
}

it('ends with gaps where 3 of 50 segments cannot be described: exact gaps, exact coverage, none cited', async () => {
  const refused = [7, 31];
  const { memo, result } = await run(
    playModel((segment, attempt) => {
      if (refused.includes(segment)) throw new ModelError('context_exceeded', 'The prompt is too long.');
      // One that fails in a way that may pass, twice, and then for good.
      if (segment === 8)
        throw attempt < 3
          ? new ModelError('unavailable', 'It does not answer.')
          : new ModelError('memory_exceeded', 'There is not enough memory.');
      return { text: `1. ${said(segment)}`, finishReason: 'stop' };
    }),
  );
  expect(memo.outcome?.status).toBe('completed_with_gaps');
  expect(result.gaps).toEqual([
    { segment: 7, start_time: 7, end_time: 8, reason: 'context_exceeded', attempts: 1 },
    { segment: 8, start_time: 8, end_time: 9, reason: 'model_memory_exceeded', attempts: 3 },
    { segment: 31, start_time: 31, end_time: 32, reason: 'context_exceeded', attempts: 1 },
  ]);
  expect(result.coverage).toBe(47 / 50);
  const missing = [7, 8, 31];
  const there = Array.from({ length: SECONDS }, (_, index) => index).filter(
    (index) => !missing.includes(index),
  );
  expect(result.segments.map(({ index, caption }) => [index, caption])).toEqual(
    there.map((index) => [index, said(index)]),
  );
  const cited = [...result.sentences, ...result.chapters].flatMap(({ segments }) => segments);
  expect(cited.filter((segment) => missing.includes(segment))).toEqual([]);
  expect(result.sentences.flatMap(({ segments }) => segments)).toEqual(there);
  for (const segment of missing) expect(result.summary).not.toContain(said(segment));
  expect(result.finish_reason).toBe('stop');
  // Chapters in order, one ending where the next one begins.
  const edges = result.chapters.map(({ start_time, end_time }) => [start_time, end_time] as const);
  expect([edges[0]?.[0], edges.at(-1)?.[1]]).toEqual([0, SECONDS]);
  expect(edges.slice(1).map(([start]) => start)).toEqual(edges.slice(0, -1).map(([, end]) => end));
}, 120_000);

it('is complete where everything is described: coverage 1, no gap', async () => {
  const { memo, result } = await run(
    playModel((segment) => ({ text: `1. ${said(segment)}`, finishReason: 'stop' })),
    { detail: 'low' },
  );
  expect(memo.outcome?.status).toBe('completed');
  expect([result.coverage, result.gaps, result.finish_reason]).toEqual([1, [], 'stop']);
}, 120_000);

it('never says `stop` where max_tokens cut a text on the way to the summary', async () => {
  const { memo, result } = await run(
    playModel((segment) => ({ text: `1. ${said(segment)}`, finishReason: 'stop' }), 17),
    { max_tokens: 16 },
  );
  expect(memo.outcome?.status).toBe('completed');
  expect(result.finish_reason).toBe('length');
}, 120_000);

it('never says `stop` where a caption was cut', async () => {
  const cut = 20;
  const { result } = await run(
    playModel((segment) => ({
      text: `1. ${said(segment)}`,
      finishReason: segment === cut ? 'length' : 'stop',
    })),
    { caption_prompt: 'Briefly.' },
  );
  expect(
    result.segments.filter(({ finish_reason }) => finish_reason !== 'stop').map(({ index }) => index),
  ).toEqual([cut]);
  expect(result.finish_reason).toBe('length');
}, 120_000);

/** Removes the generations of segments, as a disk that fails does. */
async function loseCaptions(ref: JobRef, ...segments: readonly number[]): Promise<void> {
  for (const segment of segments) {
    const shard = await entries<SegmentOutcome>(ref, 'described', Math.floor(segment / ENTRIES_PER_SHARD));
    const outcome = shard[segment % ENTRIES_PER_SHARD];
    if (outcome === undefined || !('generation' in outcome)) throw new Error(`${segment} is not described`);
    await contentOf(store, 'test').delete(outcome.generation);
  }
}

/** Entries of a shard; the caller names their type. */
async function entries<T>(
  { jobId, run: id }: JobRef,
  kind: Parameters<typeof shardName>[2],
  shard: number,
): Promise<readonly T[]> {
  const bytes = await store.bytes(shardName(jobId, id, kind, shard));
  const content = JSON.parse(new TextDecoder().decode(bytes)) as EntryShard<T>; // as the workflow wrote it
  return content.entries;
}

/** Calls `lose` before the first attempt at group 2 of the sections. */
function losingBeforeSection(gpu: GpuActivities, lose: (ref: JobRef) => Promise<void>): GpuActivities {
  let isLost = false;
  return {
    ...gpu,
    reduce: async (input) => {
      if (!isLost && input.kind === 'section' && 'entry' in input && input.entry === 2) {
        isLost = true;
        await lose(input);
      }
      return gpu.reduce(input);
    },
  };
}

it('makes captions, texts and titles that are lost meanwhile again, and no others', async () => {
  const prompt = { caption_prompt: 'Whatever is lost.' };
  const calm = await run(
    playModel((segment) => ({ text: `1. ${said(segment)}`, finishReason: 'stop' })),
    prompt,
  );
  const asked: number[] = [];
  const gpu = playModel((segment) => {
    asked.push(segment);
    return { text: `1. ${said(segment)}`, finishReason: 'stop' };
  });
  let finishes = 0;
  const { memo, result } = await run(
    losingBeforeSection(gpu, (ref) => loseCaptions(ref, 12, 14)),
    prompt,
    async (input) => {
      finishes += 1;
      if (finishes > 1) return;
      await loseCaptions(input, 30);
      const [, section] = await entries<MergeOutcome>(input, 'merged-0', 0);
      for (const name of [...(section?.generations ?? []), input.summary, input.title])
        await contentOf(store, 'test').delete(name);
    },
  );
  expect(memo.outcome?.status).toBe('completed');
  expect(finishes).toBe(2);
  expect(asked.sort((a, b) => a - b)).toEqual([12, 14, 30]);
  expect(result).toMatchObject({
    title: calm.result.title,
    summary: calm.result.summary,
    sentences: calm.result.sentences,
    segments: calm.result.segments.map(({ index, caption }) => ({ index, caption })),
    coverage: 1,
    gaps: [],
  });
  expect(result.chapters.map(({ title, summary }) => [title, summary])).toEqual(
    calm.result.chapters.map(({ title, summary }) => [title, summary]),
  );
}, 120_000);

it('has a gap where a caption is lost that cannot be made again, and rests nothing on it', async () => {
  const lost = 13;
  let isLost = false;
  const gpu = playModel((segment) => {
    if (isLost && segment === lost) throw new ModelError('context_exceeded', 'The prompt is too long.');
    return { text: `1. ${said(segment)}`, finishReason: 'stop' };
  });
  const { memo, result } = await run(
    losingBeforeSection(gpu, async (ref) => {
      isLost = true;
      await loseCaptions(ref, lost);
    }),
    { caption_prompt: 'What cannot be made again.' },
  );
  expect(memo.outcome?.status).toBe('completed_with_gaps');
  expect(result.gaps).toEqual([
    { segment: lost, start_time: lost, end_time: lost + 1, reason: 'source_missing', attempts: 1 },
  ]);
  expect(result.coverage).toBe(49 / 50);
  expect(result.sentences.flatMap(({ segments }) => segments)).not.toContain(lost);
  expect(result.summary).not.toContain(said(lost));
}, 120_000);
