/** What we read of ffprobe's JSON. It writes numbers as strings, and leaves out what it does not know. */
import { z } from 'zod';

const seconds = z.coerce.number().optional().catch(undefined);

const Stream = z.object({
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  codec_tag_string: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  sample_aspect_ratio: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  start_time: seconds,
  duration: seconds,
  disposition: z
    .object({ attached_pic: z.number().optional(), timed_thumbnails: z.number().optional() })
    .optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
export type ProbedStream = z.infer<typeof Stream>;

export const ProbeOutput = z.object({
  streams: z.array(Stream).default([]),
  format: z.object({ format_name: z.string().default(''), start_time: seconds, duration: seconds }),
});

export const PacketsOutput = z.object({
  packets: z
    .array(
      z.object({
        codec_type: z.string().optional(),
        stream_index: z.number(),
        pts_time: seconds,
        dts_time: seconds,
        duration_time: seconds,
        flags: z.string().default(''),
      }),
    )
    .default([]),
});
export type ProbedPacket = z.infer<typeof PacketsOutput>['packets'][number];

/** A rate or ratio as ffprobe writes it, `30000/1001` or `8:9`; undefined for unknown, which it writes with a zero. */
export function parseRatio(text: string | undefined): number | undefined {
  const [above, below] = (text ?? '').split(/[/:]/).map(Number);
  const value = (above ?? 0) / (below ?? 0);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
