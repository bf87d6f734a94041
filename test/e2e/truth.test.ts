/**
 * Compares results with the drawn videos. The frame number that is drawn into each image identifies the frame of the source,
 * independently of container, decoder and sampler.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResultFrame, SummaryResult } from '../../schema/result.ts';
import { facts, factsInText, specsInText } from '../world/facts.ts';
import { readFrameIndex } from '../world/frame-index.ts';
import type { Spec } from '../world/spec.ts';
import { makeVideo, type Shot, type VideoTruth } from '../world/video.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

const SEEDS = [101, 102, 103, 104, 105] as const;
/** Longest time from the start of a shot to its first kept frame, in the default sampling mode. */
const MAX_DELAY_SECONDS = 0.5;

/** A kept frame with the frame number that is drawn into its image. */
interface NumberedFrame extends ResultFrame {
  readonly time: number;
  readonly drawn: number;
}

interface Run {
  readonly seed: number;
  readonly truth: VideoTruth;
  readonly result: SummaryResult;
  readonly frames: readonly NumberedFrame[];
}

let system: TestSystem;
let folder: string;
let runs: readonly Run[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-truth-'));
  system = await startSystem();
  const list: Run[] = [];
  for (const seed of SEEDS) list.push(await summarize(seed));
  runs = list;
}, 600_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('the result of a drawn video', () => {
  it('gives each kept frame its presentation time, within one frame', () => {
    for (const { frames, truth } of runs) {
      expect(frames.length).toBeGreaterThanOrEqual(truth.shots.length);
      for (const { time, drawn } of frames) {
        expect(Math.abs(time - drawn / truth.fps)).toBeLessThanOrEqual(1 / truth.fps);
      }
    }
  });

  it('has only times of kept frames and the end of the source', () => {
    for (const { result, frames, truth } of runs) {
      const known = new Set([...frames.map(({ time }) => time), result.source.duration]);
      const times = [...result.segments, ...result.chapters].flatMap((span) => [
        span.start_time,
        span.end_time,
      ]);
      expect(times.filter((time) => !known.has(time))).toEqual([]);
      expect(result.source.duration).toBeCloseTo(truth.duration, 2);
      expect(result.segments[0]?.start_time).toBe(frames[0]?.time);
      expect(result.segments.at(-1)?.end_time).toBe(result.source.duration);
    }
  });

  it('keeps a frame of each new shot within half a second', () => {
    for (const { frames, truth } of runs) {
      for (const shot of truth.shots) {
        const first = frames.find((frame) => shows(frame, shot));
        expect(first).toBeDefined();
        expect((first?.time ?? 0) - shot.start_time).toBeLessThanOrEqual(MAX_DELAY_SECONDS);
      }
    }
  });

  it('has at least 90% of the drawn facts in the captions of their frames', () => {
    const mentioned = runs.flatMap(({ truth, frames }) =>
      truth.shots.flatMap((shot) =>
        frames
          .filter((frame) => shows(frame, shot))
          .flatMap(({ caption }) => facts(shot.spec).map((fact) => factsInText(caption).has(fact))),
      ),
    );
    console.info(`captions contain ${share(mentioned)} of the drawn facts`);
    expect(mentioned.filter(Boolean).length).toBeGreaterThanOrEqual(0.9 * mentioned.length);
  });

  it('has only facts in its summary that the cited segments contain', () => {
    for (const { result } of runs) {
      expect(result.sentences.length).toBeGreaterThan(0);
      for (const { text, segments } of result.sentences) {
        const captions = result.segments.filter(({ index }) => segments.includes(index));
        const cited = factsInText(captions.map(({ caption }) => caption).join(' '));
        expect(specsInText(text).length).toBeGreaterThan(0);
        expect([...factsInText(text)].filter((fact) => !cited.has(fact))).toEqual([]);
      }
      expect(result.sentences.map(({ text }) => text).join(' ')).toBe(result.summary);
    }
  });

  // The summary adds no mistakes of its own, as tested above, but repeats those of the captions.
  it('has a summary in which at least 90% of the facts are true', () => {
    const checked = runs.flatMap(({ seed, result, truth }) =>
      specsInText(result.summary).flatMap((spec) => {
        const untrue = untrueFacts(spec, truth.shots);
        if (untrue.length > 0) console.info(`seed ${seed}: not true: ${untrue.join(', ')}`);
        return facts(spec).map((fact) => !untrue.includes(fact));
      }),
    );
    console.info(`${share(checked)} of the facts of the summaries are true`);
    expect(checked.filter(Boolean).length).toBeGreaterThanOrEqual(0.9 * checked.length);
  });
});

async function summarize(seed: number): Promise<Run> {
  const path = join(folder, `${seed}.mp4`);
  const truth = await makeVideo(path, { seed, seconds: 20, shots: 4 });
  const { id } = await system.client.createSummary({
    source: { type: 'video', file_id: await system.upload(path) },
  });
  const { job } = await follow(system, id);
  expect(job.status).toBe('completed');
  const { result } = job;
  if (!result) throw new Error('a completed job has a result');
  const frames: NumberedFrame[] = [];
  for (const frame of result.segments.flatMap((segment) => segment.frames)) {
    frames.push({ ...frame, time: frame.time ?? Number.NaN, drawn: await drawnIndex(id, frame.index) });
  }
  console.info(`seed ${seed}: ${frames.length} frames of ${truth.shots.length} shots`);
  return { seed, truth, result, frames };
}

/** Returns the frame number in an image that the API serves. */
async function drawnIndex(id: string, frame: number): Promise<number> {
  const jpeg = await (await system.client.getFrame(id, frame)).arrayBuffer();
  const { data, info } = await sharp(jpeg).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const index = readFrameIndex({ data, width, height, channels: 3 });
  if (index === undefined) throw new Error(`the image of frame ${frame} has no frame number`);
  return index;
}

function shows({ drawn }: NumberedFrame, { start_frame, end_frame }: Shot): boolean {
  return drawn >= start_frame && drawn < end_frame;
}

/** Returns the facts of `spec` that are false for the best matching shot. */
function untrueFacts(spec: Spec, shots: readonly Shot[]): string[] {
  const misses = shots.map((shot) => {
    const drawn = facts(shot.spec);
    return facts(spec).filter((fact) => !drawn.includes(fact));
  });
  return misses.reduce((best, next) => (next.length < best.length ? next : best), facts(spec));
}

function share(truths: readonly boolean[]): string {
  const count = truths.filter(Boolean).length;
  return `${count}/${truths.length} = ${(count / truths.length).toFixed(3)}`;
}
