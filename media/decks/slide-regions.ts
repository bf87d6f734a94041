/**
 * Finds the region of the frames of a lecture in which slides are shown: full size, or next to the speaker.
 */
import { setImmediate } from 'node:timers/promises';
import type { Size } from '../images/index.ts';
import { COARSE, FINE, type IntegralLuma, type Region, signatureOf, similarity } from './slide-signature.ts';

/**
 * Widths that are tried, as fractions of the full region; and the step between regions, as a fraction of the
 * frame.
 */
const SCALES = [0.92, 0.85, 0.78, 0.7, 0.62, 0.55, 0.48, 0.4] as const;
const STEP = 1 / 32;
/** Coarse similarity from which a frame counts as showing a slide in a region. */
const MIN_SIMILARITY = 0.6;
/** Most regions that are used in addition to the full one. */
const MAX_REGIONS = 2;

const WHOLE: Region = { x: 0, y: 0, width: 1, height: 1 };

/** The region of a slide that is centred and as large as the frame allows, as in most recordings. */
export function fullRegion(slide: Size, frame: Size): Region {
  const scale = Math.min(frame.width / slide.width, frame.height / slide.height);
  const width = (slide.width * scale) / frame.width;
  const height = (slide.height * scale) / frame.height;
  return { x: (1 - width) / 2, y: (1 - height) / 2, width, height };
}

/**
 * Returns the regions in which `frames` show `slides`: the full one, and up to two more that show some slide
 * better in several frames. Each frame has one vote.
 */
export async function findRegions(
  slides: readonly IntegralLuma[],
  frames: readonly IntegralLuma[],
  full: Region,
): Promise<readonly Region[]> {
  const coarse = signatures(slides, COARSE);
  const votes = new Map<Region, { readonly frames: Set<number>; sum: number }>();
  const candidates = regionsWithin(full);
  for (const [index, frame] of frames.entries()) {
    await setImmediate(); // a frame takes a tenth of a second: heartbeats go out in between
    const atFull = best(frame, full, coarse);
    let winner: { region: Region; score: number } | undefined;
    for (const region of candidates) {
      const score = best(frame, region, coarse);
      if (score >= MIN_SIMILARITY && score > atFull && score > (winner?.score ?? 0))
        winner = { region, score };
    }
    if (!winner) continue;
    const near =
      [...votes.keys()].find((region) => distance(region, winner.region) < 2 * STEP) ?? winner.region;
    const vote = votes.get(near) ?? { frames: new Set<number>(), sum: 0 };
    vote.frames.add(index);
    vote.sum += winner.score;
    votes.set(near, vote);
  }
  const elected = [...votes]
    .filter(([, vote]) => vote.frames.size >= Math.min(2, frames.length))
    .sort(([, a], [, b]) => b.sum - a.sum)
    .slice(0, MAX_REGIONS);
  const fine = signatures(slides, FINE);
  return [
    full,
    ...elected.map(([region, vote]) =>
      refine(
        region,
        frames.filter((_, i) => vote.frames.has(i)),
        fine,
      ),
    ),
  ];
}

function regionsWithin(full: Region): readonly Region[] {
  return SCALES.flatMap((scale) => {
    const size = { width: full.width * scale, height: full.height * scale };
    const regions: Region[] = [];
    for (let y = 0; y <= 1 - size.height + 1e-9; y += STEP) {
      for (let x = 0; x <= 1 - size.width + 1e-9; x += STEP) regions.push({ x, y, ...size });
    }
    return regions;
  });
}

/** Moves and scales a region in decreasing steps to where its frames fit best. */
function refine(region: Region, frames: readonly IntegralLuma[], slides: readonly Float32Array[]): Region {
  const score = (candidate: Region): number =>
    frames.slice(0, 4).reduce((sum, frame) => sum + best(frame, candidate, slides, FINE), 0);
  let [current, most] = [region, score(region)];
  for (let step = STEP; step > 1 / 400; step /= 2) {
    for (let improved = true; improved; ) {
      improved = false;
      for (const [dx, dy, grow] of MOVES) {
        const factor = 1 + grow * step * 2;
        const [width, height] = [current.width * factor, current.height * factor];
        const moved = {
          x: current.x + dx * step + (current.width - width) / 2,
          y: current.y + dy * step + (current.height - height) / 2,
          width,
          height,
        };
        const value = score(moved);
        if (value <= most + 1e-6) continue;
        [current, most, improved] = [moved, value, true];
      }
    }
  }
  return current;
}

const MOVES = [
  [1, 0, 0],
  [-1, 0, 0],
  [0, 1, 0],
  [0, -1, 0],
  [0, 0, 1],
  [0, 0, -1],
] as const;

function signatures(
  slides: readonly IntegralLuma[],
  cells: typeof COARSE | typeof FINE,
): readonly Float32Array[] {
  return slides.flatMap((slide) => signatureOf(slide, WHOLE, cells) ?? []);
}

function best(
  frame: IntegralLuma,
  region: Region,
  slides: readonly Float32Array[],
  cells: typeof COARSE | typeof FINE = COARSE,
): number {
  const signature = signatureOf(frame, region, cells);
  return signature ? Math.max(0, ...slides.map((slide) => similarity(slide, signature))) : 0;
}

function distance(a: Region, b: Region): number {
  return Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y), Math.abs(a.width - b.width));
}
