/** Changes of shot found in drawn videos of many kinds: recall and precision against what was drawn. */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaTools } from '../../media/index.ts';
import { KINDS as EVEN_KINDS } from '../../test/media/drawn-clips.ts';
import { encodeDrawn } from '../../test/media/encode-drawn.ts';
import { type ShotScores, scoreShots } from '../../test/media/shot-scores.ts';
import { SPARSE_KINDS } from '../../test/media/sparse-clips.ts';
import { CACHE } from './clips.ts';
import { pickAll } from './pick.ts';

const KINDS = { ...EVEN_KINDS, ...SPARSE_KINDS };
type Kind = keyof typeof KINDS;

const SCREEN = { width: 640, height: 360 };
const SECONDS = 60;
/** None of them is a seed of the tests, nor were the thresholds chosen on them. */
const SEEDS = [11, 12] as const;

export async function measureQuality(tools: MediaTools): Promise<Readonly<Record<string, object>>> {
  console.log(`### Changes of shot, adaptive, ${SEEDS.length} × ${SECONDS} s of each kind\n`);
  console.log(
    '| kind | drawn | found | recall | precision | news kept within 0.5 s | frames kept a minute |',
  );
  console.log('|---|---|---|---|---|---|---|');
  const table: Record<string, object> = {};
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const sum = { drawn: 0, found: 0, hits: 0, news: 0, late: 0, kept: 0, minutes: 0 };
    for (const seed of SEEDS) {
      const { scores, news, seconds } = await score(tools, kind, seed);
      sum.drawn += scores.drawn;
      sum.found += scores.found;
      sum.hits += scores.hits;
      sum.kept += scores.kept;
      sum.news += news;
      sum.late += scores.late.length;
      sum.minutes += seconds / 60;
    }
    table[kind] = sum;
    const share = (part: number, of: number): string => (of === 0 ? '–' : (part / of).toFixed(3));
    const cells = [
      sum.drawn,
      sum.found,
      share(sum.hits, sum.drawn),
      share(sum.hits, sum.found),
      sum.news === 0 ? '–' : `${sum.news - sum.late} of ${sum.news}`,
      (sum.kept / sum.minutes).toFixed(1),
    ];
    console.log(`| ${kind} | ${cells.join(' | ')} |`);
  }
  return table;
}

async function score(
  tools: MediaTools,
  kind: Kind,
  seed: number,
): Promise<{ readonly scores: ShotScores; readonly news: number; readonly seconds: number }> {
  const clip = KINDS[kind](SCREEN, SECONDS, seed);
  const path = await clipFile(kind, seed);
  return {
    scores: scoreShots(clip, await pickAll(tools, path, 'adaptive')),
    news: clip.news.length,
    seconds: clip.seconds,
  };
}

async function clipFile(kind: Kind, seed: number): Promise<string> {
  const path = join(CACHE, `${kind.replaceAll(' ', '-')}-${SECONDS}s-${seed}.mp4`);
  if (existsSync(path)) return path;
  await mkdir(CACHE, { recursive: true });
  const part = path.replace('.mp4', '.part.mp4');
  await encodeDrawn(KINDS[kind](SCREEN, SECONDS, seed), SCREEN, part);
  await rename(part, path);
  return path;
}

/** Makes the videos that are not there yet. */
export async function makeQualityClips(): Promise<void> {
  for (const kind of Object.keys(KINDS) as Kind[]) for (const seed of SEEDS) await clipFile(kind, seed);
}
