/** Reads the headers of a video with ffprobe and validates its output. */
import { z } from 'zod';
import { FrameloomError } from '../../core/errors.ts';
import { inputArgs, type MediaTools, type ProgramExit, runProgram, toMediaError } from '../exec/index.ts';

/** A video to probe. */
export interface ProbeTarget {
  readonly tools: MediaTools;
  readonly path: string;
  readonly maxPixels: number;
  readonly signal: AbortSignal | undefined;
}

/** ffprobe writes numbers as strings, and omits unknown ones or writes `N/A`. */
const number = z.coerce.number().optional().catch(undefined);

const Stream = z.object({
  index: z.number(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  codec_tag_string: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  sample_aspect_ratio: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  field_order: z.string().optional(),
  pix_fmt: z.string().optional(),
  has_b_frames: z.number().optional(),
  nb_frames: number,
  start_time: number,
  duration: number,
  disposition: z
    .object({
      default: z.number().optional(),
      forced: z.number().optional(),
      attached_pic: z.number().optional(),
      timed_thumbnails: z.number().optional(),
      still_image: z.number().optional(),
      comment: z.number().optional(),
      captions: z.number().optional(),
      hearing_impaired: z.number().optional(),
      descriptions: z.number().optional(),
      visual_impaired: z.number().optional(),
    })
    .optional(),
  side_data_list: z.array(z.object({ displaymatrix: z.string().optional() })).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
export type ProbedStream = z.infer<typeof Stream>;

const Headers = z.object({
  streams: z.array(Stream).default([]),
  format: z.object({
    format_name: z.string().default(''),
    start_time: number,
    duration: number,
    size: number,
  }),
});
export type ProbedHeaders = z.infer<typeof Headers> & {
  /** Error output of ffprobe. */
  readonly errorOutput: string;
};

/** Wall-clock limit. */
const TIME_LIMIT_MS = 60_000;
/** Most bytes of headers. */
const MAX_BYTES = 16 * 2 ** 20;

export async function probeHeaders(target: ProbeTarget): Promise<ProbedHeaders> {
  const { tools, path, maxPixels, signal } = target;
  const show = ['-show_streams', '-show_format', '-of', 'json=compact=1'];
  const ending = await runProgram(tools.ffprobe, [...inputArgs(path, { maxPixels }), ...show], {
    signal,
    timeLimitMs: TIME_LIMIT_MS,
    maxBytes: MAX_BYTES,
    keep: 'all',
  });
  if (ending.stopped === 'done') {
    throw new FrameloomError('media_too_large', 'The headers of the video are too large.');
  }
  if (ending.code !== 0) throw probeFailure(ending, signal);
  return { ...Headers.parse(JSON.parse(ending.stdout)), errorOutput: ending.stderr };
}

/** Returns the error for a failed ffprobe; after an abort the reason of the signal. */
export function probeFailure(ending: ProgramExit, signal: AbortSignal | undefined): unknown {
  const unreadable = new FrameloomError(
    'unsupported_media',
    'The content is not a readable video. Convert it to MP4.',
  );
  return toMediaError(ending, signal, unreadable);
}

/**
 * Parses a rate or ratio of ffprobe, `30000/1001` or `8:9`; undefined for an unknown one, which contains a
 * zero.
 */
export function parseRatio(text: string | undefined): number | undefined {
  const [above, below] = (text ?? '').split(/[/:]/).map(Number);
  const value = (above ?? 0) / (below ?? 0);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
