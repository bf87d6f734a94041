/** How well found changes of shot fit the drawn ones. */
import type { SampledFrame } from '../../media/index.ts';
import type { DrawnClip } from './drawn-clips.ts';

/** How far a cut may be found from where it was drawn, in seconds: candidates come at five a second. */
const TOLERANCE = 0.4;
/** What is drawn must be kept within so many seconds of its coming to rest. */
const KEPT_WITHIN = 0.5;

export interface ShotScores {
  readonly drawn: number;
  readonly found: number;
  /** Drawn changes that were found. */
  readonly hits: number;
  /** Times of found changes that nobody drew, and of drawn ones that nobody found. */
  readonly wrong: readonly number[];
  readonly missed: readonly number[];
  /** Share of the news of the clip that was kept in time, and what was not. */
  readonly late: readonly number[];
  readonly kept: number;
}

export function scoreShots(clip: DrawnClip, frames: readonly SampledFrame[]): ShotScores {
  const spans = [...clip.cuts.map((time) => [time, time] as const), ...clip.dissolves];
  const found = frames.filter(
    (frame) => frame.kept && (frame.reason === 'cut' || frame.reason === 'dissolve'),
  );
  const free = new Set(found.map(({ time }) => time));
  const missed: number[] = [];
  for (const [start, end] of spans) {
    const hit = [...free].find((time) => time >= start - 1e-6 && time <= end + TOLERANCE + 1e-6);
    if (hit === undefined) missed.push(start);
    else free.delete(hit);
  }
  const kept = frames.filter((frame) => frame.kept);
  const late = clip.news.filter(
    (time) => !kept.some((frame) => frame.time >= time - 1e-6 && frame.time <= time + KEPT_WITHIN + 1e-6),
  );
  return {
    drawn: spans.length,
    found: found.length,
    hits: spans.length - missed.length,
    wrong: [...free],
    missed,
    late,
    kept: kept.length,
  };
}
