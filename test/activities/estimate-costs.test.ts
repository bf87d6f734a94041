import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEstimateCosts } from '../../activities/estimate-costs.ts';
import { modelPlan } from '../../activities/lib/model.ts';
import { recordUsageSample } from '../../activities/lib/usage-samples.ts';
import profile from '../../models/tiny-phi3v/frameloom.json' with { type: 'json' };
import type { EstimateAmounts, EstimateCostsInput } from '../../schema/estimate.ts';
import { jobIdFor } from '../../schema/ids.ts';
import type { Ledger } from '../../schema/job.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import { SHARD_VERSION } from '../../schema/shards.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { extractionName, shardName } from '../../store/names.ts';
import { putRequest } from '../support/requests.ts';

const bundled = ModelProfile.parse(profile);
const model = modelPlan(bundled, 'medium');
let root: string;
let store: ArtifactStore;
let input: EstimateCostsInput;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-estimate-'));
  store = createFolderStore(root);
  const jobId = await jobIdFor('t', 'k');
  const put = (name: string, content: unknown) =>
    store.put(name, new TextEncoder().encode(JSON.stringify(content)));
  // Two spans of four pictures each.
  const names = ['a', 'b'].map((letter) => extractionName(letter.repeat(64)));
  for (const [span, name] of names.entries()) {
    const frames = Array.from({ length: 4 }, (_, index) => ({
      name: `frames/${'c'.repeat(64)}`,
      ...{ width: 640, height: 360, time: 120 * span + 10 * index, score: 1 },
    }));
    await put(name, { frames, decisions: [], slides: [], gaps: [] });
  }
  await put(shardName(jobId, 'run', 'extractions', 0), { version: SHARD_VERSION, entries: names });
  await putRequest(store, jobId, { source: { type: 'video', url: 'https://example.com/a.mp4' } });
  input = {
    ...{ jobId, run: 'run', model, extractions: 1, sampledSpans: 2, totalSpans: 2, maxFrames: 600 },
    source: {
      type: 'video',
      sha256: 'a'.repeat(64),
      ...{ bytes: 1, duration: 240, startOffset: 0, width: 640, height: 360 },
      coding: { turn: 0, mirrored: false, range: 'sdr', interlaced: false },
      frameRate: { kind: 'constant', average: 25 },
      tracks: [],
      videoTrack: 0,
    },
    prices: { currency: 'EUR', input: 10, output: 20, gpuSecond: 0.5 },
  };
});
afterAll(() => rm(root, { recursive: true, force: true }));

function estimate(change: Partial<EstimateCostsInput> = {}): Promise<EstimateAmounts> {
  const activity = createEstimateCosts({ store, profile: bundled });
  return new MockActivityEnvironment().run(activity, { ...input, ...change });
}

it('of a source that was looked at as a whole has exact pictures and segments', async () => {
  const { segments, frames, gpu_seconds, currency, cost, ...rest } = await estimate();
  expect(segments).toEqual({ expected: 2, low: 2, high: 2 });
  expect(frames).toEqual({ expected: 8, low: 8, high: 8 });
  expect({ gpu_seconds, currency }).toEqual({ gpu_seconds: null, currency: 'EUR' });
  for (const range of [cost, rest.input_tokens, rest.output_tokens]) {
    expect(range.low).toBeLessThan(range.expected);
    expect(range.expected).toBeLessThan(range.high);
  }
  expect(cost.expected).toBeCloseTo(
    (10 * rest.input_tokens.expected + 20 * rest.output_tokens.expected) / 1e6,
    9,
  );
  expect(rest.assumptions).toHaveLength(1);
});

it('of a source of which parts were looked at grows with the rest, up to the frames that it may have', async () => {
  const whole = await estimate();
  const tenth = await estimate({ totalSpans: 20 });
  expect(tenth.frames).toEqual({ expected: 80, low: 56, high: 104 });
  expect(tenth.input_tokens.expected).toBe(10 * whole.input_tokens.expected);
  expect(tenth.assumptions).toContain('Only 2 of 20 spans of the source were sampled.');
  expect((await estimate({ totalSpans: 200, maxFrames: 100 })).frames.expected).toBe(100);
});

it('goes by what answers took lately, once jobs have run', async () => {
  const ledger: Ledger = {
    ...{ gpu_seconds: 4, runtime: 'test', wall_seconds: 9 },
    segments: [
      {
        ...{ index: 0, attempts: 1, cached: false, gpu_seconds: 4, vision_calls: 4, rows: 1 },
        ...{ input_tokens: 1300, output_tokens: 160, cost: 0 },
      },
    ],
    merging: { input_tokens: 200, output_tokens: 40, gpu_seconds: 0, cost: 0, currency: null },
    ...{ input_tokens: 1500, output_tokens: 200, cost: 0, currency: null },
  };
  const before = await estimate();
  const piece = {
    ...{ index: 0, first: 0, last: 4, captions: ['a', 'b', 'c', 'd'], finishReason: 'stop' as const },
    usage: { image_tokens: 1252, input_tokens: 1300, output_tokens: 160 },
  };
  const job = { jobId: await jobIdFor('t', 'j'), source: 'video', model: model.revision } as const;
  await recordUsageSample(store, { ...job, now: Date.now() }, [piece], ledger);
  const after = await estimate();
  // Forty tokens a picture, which is more than the profile says, and 4 s for 1,500 / 10 + 200 steps.
  expect(after.output_tokens.expected).toBeGreaterThan(before.output_tokens.expected);
  const steps = after.input_tokens.expected / 10 + after.output_tokens.expected;
  expect(after.gpu_seconds?.expected).toBeCloseTo((steps * 4) / 350, 2);
  expect(after.cost.expected).toBeGreaterThan(0.5 * (after.gpu_seconds?.expected ?? 0));
  expect(after.assumptions).toEqual([]);
  // The first job of a slot has it: another of the same id changes nothing.
  await recordUsageSample(store, { ...job, now: Date.now() }, [piece], { ...ledger, gpu_seconds: 400 });
  expect(await estimate()).toEqual(after);
});
