/**
 * Divides the part of a video that is to be decoded where the frames to decode differ. As long as no frame
 * stays on display for more than 0.2 s, those that no other frame refers to need not be decoded, and the
 * first frame of each grid interval shows all there is to see. From the first frame on that stays longer, all
 * are decoded; and where frames stop, the last one, which remains on display, is a candidate as well.
 */
import type { MediaTools } from '../exec/index.ts';
import {
  type DecodeOptions,
  findStands,
  type Grid,
  gridIndex,
  type ProbedVideo,
  type Stand,
  TIME_SLACK,
} from '../video/index.ts';

/** Most frames beside the grid in one part: they become an argument of ffmpeg, 128 KiB at most. */
const MAX_ALSO = 1500;

/** A part of a video, in container time. */
export interface Part {
  /** Undefined: from the beginning. */
  readonly from: number | undefined;
  readonly until: number;
  /** No frame stays on display for more than 0.2 s. */
  readonly dense: boolean;
  /** Frames that remain on display when no more come, in addition to the first of each grid interval. */
  readonly also: readonly number[];
  /** The frame displayed at `from`, if it stays until after the grid interval that begins there. */
  readonly shown?: number | undefined;
}

export interface PartsRequest {
  readonly video: Pick<
    ProbedVideo,
    'videoTrack' | 'sequential' | 'startOffset' | 'duration' | 'denseUntil' | 'lacksTimestamps'
  >;
  /** In container time. */
  readonly grid: Grid;
  readonly from: number | undefined;
  readonly until: number;
  /** Container time from which no frame is displayed. Default: the last one stays. */
  readonly lastUntil?: number | undefined;
}

/**
 * Yields the parts between container times `from` and `until`, in order. Where they begin depends on the
 * video and the grid alone, apart from `from` and parts with very many standing frames.
 *
 * @throws FrameloomError as `findStands`
 */
export async function* divideIntoParts(
  tools: MediaTools,
  path: string,
  { video, grid, from, until, lastUntil = Number.POSITIVE_INFINITY }: PartsRequest,
  options: DecodeOptions,
): AsyncGenerator<Part> {
  const { startOffset, duration, denseUntil = 0 } = video;
  if (denseUntil >= duration) {
    yield { from, until, dense: true, also: [] };
    return;
  }
  const firstStand = gridIndex(grid, startOffset + denseUntil);
  const turn = grid.origin + firstStand * grid.interval;
  const startsDense = denseUntil > 0 && (from ?? startOffset) <= turn;
  if (startsDense) yield { from, until: Math.min(until, turn), dense: true, also: [] };
  if (startsDense && until <= turn) return;
  let part: { from: number | undefined; also: number[]; shown?: number } = {
    from: startsDense ? turn : from,
    also: [],
  };
  const by = video.lacksTimestamps ? ('frames' as const) : ('packets' as const);
  const stands = { video, by, from: part.from, until };
  for await (const stand of findStands(tools, path, stands, options)) {
    if (part.from !== undefined && stand.start <= part.from && stand.end > part.from)
      part.shown = stand.start;
    if (isFirstOfInterval(grid, stand) || !emptiesInterval(grid, stand, lastUntil)) continue;
    if (part.also.length === MAX_ALSO) {
      const end = grid.origin + gridIndex(grid, stand.start) * grid.interval;
      yield { ...part, until: end, dense: false };
      part = { from: end, also: [] };
    }
    part.also.push(stand.start);
  }
  yield { ...part, until, dense: false };
}

function isFirstOfInterval(grid: Grid, { before, start }: Stand): boolean {
  return before === undefined || gridIndex(grid, before) < gridIndex(grid, start);
}

/** Whether no frame appears in the grid interval after that of the stand, which begins before `lastUntil`. */
function emptiesInterval(grid: Grid, { start, end }: Stand, lastUntil: number): boolean {
  const next = gridIndex(grid, start) + 1;
  return gridIndex(grid, end) > next && grid.origin + next * grid.interval < lastUntil - TIME_SLACK;
}
