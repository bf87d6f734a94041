/**
 * What the result says against what was drawn. The frame number in each picture tells which frame of the source it
 * is, whatever the container, the decoder or the sampler did on the way.
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
/** Seconds within which another shot is seen, by the default mode of sampling. */
const SEEN_WITHIN = 0.5;

/** A kept frame with the number drawn into its picture. */
interface SeenFrame extends ResultFrame {
  readonly time: number;
  readonly drawn: number;
}

interface Run {
  readonly seed: number;
  readonly truth: VideoTruth;
  readonly result: SummaryResult;
  readonly frames: readonly SeenFrame[];
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
  it('gives each kept frame the presentation time of the picture it shows, within one frame', () => {
    for (const { frames, truth } of runs) {
      expect(frames.length).toBeGreaterThanOrEqual(truth.shots.length);
      for (const { time, drawn } of frames) {
        expect(Math.abs(time - drawn / truth.fps)).toBeLessThanOrEqual(1 / truth.fps);
      }
    }
  });

  it('has no time that is not one of a kept frame, or the end', () => {
    for (const { result, frames, truth } of runs) {
      const known = new Set([...frames.map(({ time }) => time), result.source.duration]);
      const times = [...result.segments, ...result.chapters].flatMap((part) => [
        part.start_time,
        part.end_time,
      ]);
      expect(times.filter((time) => !known.has(time))).toEqual([]);
      expect(result.source.duration).toBeCloseTo(truth.duration, 2);
      expect(result.segments[0]?.start_time).toBe(frames[0]?.time);
      expect(result.segments.at(-1)?.end_time).toBe(result.source.duration);
    }
  });

  it('sees each new scene within half a second', () => {
    for (const { frames, truth } of runs) {
      for (const shot of truth.shots) {
        const first = frames.find((frame) => shows(frame, shot));
        expect(first).toBeDefined();
        expect((first?.time ?? 0) - shot.start_time).toBeLessThanOrEqual(SEEN_WITHIN);
      }
    }
  });

  it('tells at least 90% of the drawn facts in the caption of the right picture', () => {
    const told = runs.flatMap(({ truth, frames }) =>
      truth.shots.flatMap((shot) =>
        frames
          .filter((frame) => shows(frame, shot))
          .flatMap(({ caption }) => facts(shot.spec).map((fact) => factsInText(caption).has(fact))),
      ),
    );
    console.info(`captions tell ${share(told)} of the drawn facts`);
    expect(told.filter(Boolean).length).toBeGreaterThanOrEqual(0.9 * told.length);
  });

  it('says nothing in its summary that the segments it names do not say', () => {
    for (const { result } of runs) {
      expect(result.sentences.length).toBeGreaterThan(0);
      for (const { text, segments } of result.sentences) {
        const captions = result.segments.filter(({ index }) => segments.includes(index));
        const said = factsInText(captions.map(({ caption }) => caption).join(' '));
        expect(specsInText(text).length).toBeGreaterThan(0);
        expect([...factsInText(text)].filter((fact) => !said.has(fact))).toEqual([]);
      }
      expect(result.sentences.map(({ text }) => text).join(' ')).toBe(result.summary);
    }
  });

  // The summary adds no mistake of its own (the rule above); it repeats those of the captions, as often as they are made.
  it('tells facts in its summary of which at least 90% are true of the drawn video', () => {
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
  const frames: SeenFrame[] = [];
  for (const frame of result.segments.flatMap((segment) => segment.frames)) {
    frames.push({ ...frame, time: frame.time ?? Number.NaN, drawn: await drawnIndex(id, frame.index) });
  }
  console.info(`seed ${seed}: ${frames.length} pictures of ${truth.shots.length} shots`);
  return { seed, truth, result, frames };
}

/** The frame number in a picture that the API serves. */
async function drawnIndex(id: string, picture: number): Promise<number> {
  const jpeg = await (await system.client.getFrame(id, picture)).arrayBuffer();
  const { data, info } = await sharp(jpeg).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const index = readFrameIndex({ data, width, height, channels: 3 });
  if (index === undefined) throw new Error(`picture ${picture} carries no frame number`);
  return index;
}

function shows({ drawn }: SeenFrame, { start_frame, end_frame }: Shot): boolean {
  return drawn >= start_frame && drawn < end_frame;
}

/** The facts of `spec` that do not hold for the shot it fits best. */
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
