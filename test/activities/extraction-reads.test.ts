/**
 * `plan` and `finish` of a long job spend most of their time on extractions: each reads every one of them
 * once.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFinish } from '../../activities/finish.ts';
import { createPlan } from '../../activities/plan.ts';
import { type JobId, jobIdFor } from '../../schema/ids.ts';
import { type SegmentOutcome, SHARD_VERSION } from '../../schema/shards.ts';
import type { PlanInput } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { extractionName, generationName, jobArtifact, shardName } from '../../store/names.ts';
import { putRequest } from '../support/requests.ts';
import { model } from '../workflows/answers.ts';

const EXTRACTIONS = ['a', 'b', 'c'].map((letter) => extractionName(letter.repeat(64)));
const GENERATION = generationName('d'.repeat(64));

let root: string;
let store: ArtifactStore;
let jobId: JobId;
let input: PlanInput;
/** Reads of each artifact so far. */
let reads: Map<string, number>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-reads-'));
  const folder = createFolderStore(root);
  reads = new Map();
  const counted = (name: string): void => {
    reads.set(name, (reads.get(name) ?? 0) + 1);
  };
  store = {
    ...folder,
    bytes: (name) => {
      counted(name);
      return folder.bytes(name);
    },
    read: (name, range) => {
      counted(name);
      return folder.read(name, range);
    },
  };
  jobId = await jobIdFor('t', 'reads');
  await putRequest(store, jobId, { source: { type: 'images', urls: ['https://example.com/a.png'] } });
  for (const [span, name] of EXTRACTIONS.entries()) {
    const frames = [0, 1].map((index) => ({
      name: `frames/${'c'.repeat(64)}`,
      ...{ width: 64, height: 64, slide: 2 * span + index + 1 },
    }));
    const decisions = frames.map(({ slide, name: image }) => ({
      ...{ slide, name: image, kept: true, reason: 'first', difference: 1 },
    }));
    await put(name, { frames, decisions, slides: [], gaps: [] });
  }
  await put(shardName(jobId, 'run', 'extractions', 0), { version: SHARD_VERSION, entries: EXTRACTIONS });
  input = {
    ...{ jobId, run: 'run', extractions: 1, model },
    source: { type: 'images', sha256: 'a'.repeat(64), bytes: 1, pages: 6 },
  };
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function put(name: string, content: unknown): Promise<void> {
  await store.put(name, new TextEncoder().encode(JSON.stringify(content)));
}

function inWorker<T>(activity: () => Promise<T>): Promise<T> {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment.run(activity) as Promise<T>; // its type forgets what the function returns
}

const readsOfExtractions = (): readonly number[] => EXTRACTIONS.map((name) => reads.get(name) ?? 0);

it('reads each extraction once to plan, and once to finish', async () => {
  const plan = createPlan({ store });
  const planned = await inWorker(() => plan(input));
  expect([planned.frames, readsOfExtractions()]).toEqual([6, [1, 1, 1]]);
  const manifest = new TextDecoder().decode(await store.bytes(jobArtifact(jobId, 'run', 'frames.jsonl')));
  expect(manifest.trim().split('\n')).toHaveLength(6);

  reads.clear();
  const usage = { imageTokens: 1, inputTokens: 1, outputTokens: 1 };
  const lines = Array.from({ length: 4 }, (_, index) => `A caption ${index}.`);
  await put(GENERATION, { version: 1, kind: 'caption', text: 'x', lines, finishReason: 'stop', usage });
  const outcomes = Array.from(
    { length: planned.segments },
    (_, index): SegmentOutcome => ({
      ...{ index, generation: GENERATION, distinctCaptions: 1 },
      stats: { attempts: 1, cached: false, gpuSeconds: 1, visionCalls: 1, rows: 1, runtime: 'test' },
    }),
  );
  await put(shardName(jobId, 'run', 'described', 0), { version: SHARD_VERSION, entries: outcomes });
  const finish = createFinish({ store });
  await inWorker(() =>
    finish({
      ...input,
      ...{ segments: planned.segments, levels: [], summary: GENERATION, title: GENERATION },
      ...{ startedAt: '2026-01-01T00:00:00.000Z' },
    }),
  );
  expect(readsOfExtractions()).toEqual([1, 1, 1]);
});
