/** Reads the headers and packets of a video with ffprobe and validates its output. */
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
  format: z.object({ format_name: z.string().default(''), start_time: number, duration: number }),
});
export type ProbedHeaders = z.infer<typeof Headers> & {
  /** Error output of ffprobe. */
  readonly errorOutput: string;
};

const Packet = z.object({
  stream_index: z.string(),
  pts_time: number,
  dts_time: number,
  duration_time: number,
  flags: z.string().default(''),
  side_data_type: z.string().optional(),
});
export type ProbedPacket = z.infer<typeof Packet>;

/** Wall-clock limits: for headers or a few seconds of packets, and for all packets of a long file. */
const TIME_LIMIT_MS = { quick: 60_000, wholeFile: 1_800_000 } as const;
/** Most bytes of headers, and bytes of packet lines that are kept: about ten thousand packets. */
const MAX_HEADER_BYTES = 16 * 2 ** 20;
const MAX_PACKET_BYTES = 2 ** 20;

export async function probeHeaders(target: ProbeTarget): Promise<ProbedHeaders> {
  const show = ['-show_streams', '-show_format', '-of', 'json=compact=1'];
  const { stdout, stderr } = await ffprobe(target, show, {
    timeLimitMs: TIME_LIMIT_MS.quick,
    maxBytes: MAX_HEADER_BYTES,
    keep: 'all',
  });
  return { ...Headers.parse(JSON.parse(stdout)), errorOutput: stderr };
}

/**
 * Returns the last packets of all streams, by seeking to container time `from` or by reading everything.
 * `partial`: ffprobe found an index entry whose bytes are missing.
 */
export async function probeLastPackets(
  target: ProbeTarget,
  from: number | undefined,
): Promise<{ readonly packets: readonly ProbedPacket[]; readonly partial: boolean }> {
  const fields = 'stream_index,pts_time,dts_time,duration_time,flags';
  const show = [
    '-show_entries',
    `packet=${fields}:packet_side_data=side_data_type`,
    '-of',
    'compact=print_section=0',
  ];
  const interval = from === undefined ? [] : ['-read_intervals', `${from.toFixed(3)}%`];
  const { stdout, stderr } = await ffprobe(target, [...show, ...interval], {
    timeLimitMs: from === undefined ? TIME_LIMIT_MS.wholeFile : TIME_LIMIT_MS.quick,
    maxBytes: MAX_PACKET_BYTES,
    keep: 'tail',
  });
  const packets = stdout.split('\n').flatMap((line) => {
    const fieldsOfLine = line.split('|').map((field) => field.split('='));
    const packet = Packet.safeParse(Object.fromEntries(fieldsOfLine));
    return packet.success ? [packet.data] : []; // empty lines, and the first one where more was dropped
  });
  return { packets, partial: /partial file/.test(stderr) };
}

async function ffprobe(
  { tools, path, maxPixels, signal }: ProbeTarget,
  show: readonly string[],
  output: { readonly timeLimitMs: number; readonly maxBytes: number; readonly keep: 'all' | 'tail' },
): Promise<ProgramExit & { readonly stdout: string }> {
  const ending = await runProgram(tools.ffprobe, [...inputArgs(path, { maxPixels }), ...show], {
    signal,
    ...output,
  });
  if (ending.stopped === 'done') {
    throw new FrameloomError('media_too_large', 'The headers of the video are too large.');
  }
  if (ending.code !== 0) {
    const unreadable = new FrameloomError(
      'unsupported_media',
      'The content is not a readable video. Convert it to MP4.',
    );
    throw toMediaError(ending, signal, unreadable);
  }
  return ending;
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
