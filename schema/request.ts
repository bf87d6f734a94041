/** The body of `POST /v1/summaries`. Unknown members are rejected, so a typo is never ignored. */
import { z } from 'zod';
import { FileId } from './ids.ts';
import { TextEncodings } from './text-encodings.ts';

/** The address of a source. Credentials in it would end up in histories and logs, so there must be none. */
const Url = z
  .url({ protocol: /^https?$/ })
  .max(4096)
  .refine((url) => !hasCredentials(url), { error: 'must not contain a user name or password' });

function hasCredentials(url: string): boolean {
  if (!URL.canParse(url)) return false; // reported by the format
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

const one = { file_id: FileId.optional(), url: Url.optional() };

/** Password of a PDF. The server stores it separately; responses contain a reference instead. */
const Password = z
  .string()
  .min(1)
  .max(256)
  .optional()
  .describe('The password of an encrypted PDF. Responses contain a reference instead of the password.');

const exactlyOne = {
  error: 'give exactly one of file_id and url (file_ids and urls for images)',
};

function namesOne(source: { readonly file_id?: unknown; readonly url?: unknown }): boolean {
  return (source.file_id === undefined) !== (source.url === undefined);
}

const Subtitles = z
  .strictObject({
    ...one,
    encoding: TextEncodings.optional().describe(
      'The encoding of the file. Without it, Unicode is recognized and other encodings are detected. A byte order mark takes precedence.',
    ),
  })
  .refine(namesOne, exactlyOne)
  .meta({
    id: 'SubtitlesSource',
    description:
      'A subtitle file or transcript: SubRip, WebVTT, SBV, SubViewer, ASS, TTML, SAMI, LRC, JSON of Whisper, YouTube or a transcription API, or text lines that start with a timestamp.',
  });
const VideoDeck = z
  .strictObject({ ...one, password: Password })
  .refine(namesOne, exactlyOne)
  .meta({
    id: 'VideoDeckSource',
    description:
      'The slide deck that the video shows. Each slide is matched to the times at which it is visible.',
  });

const TrackNumber = z.int().min(0).max(63).optional();

const VideoTracks = z.strictObject({ video: TrackNumber, audio: TrackNumber, subtitles: TrackNumber }).meta({
  id: 'VideoTracks',
  description:
    'The tracks of the video to use, as numbers of its streams from 0. `source.tracks` of a result lists them. ' +
    'Without a number the track is chosen by the flags in the file.',
});

const VideoSource = z
  .strictObject({
    type: z.literal('video'),
    ...one,
    subtitles: Subtitles.optional(),
    deck: VideoDeck.optional(),
    tracks: VideoTracks.optional(),
  })
  .meta({ id: 'VideoSource' });
const DeckSource = z
  .strictObject({ type: z.literal('deck'), ...one, password: Password })
  .meta({ id: 'DeckSource' });
const ImagesSource = z
  .strictObject({
    type: z.literal('images'),
    file_ids: z.array(FileId).min(1).max(1000).optional(),
    urls: z.array(Url).min(1).max(1000).optional(),
  })
  .meta({ id: 'ImagesSource' });

export const SourceRequest = z
  .discriminatedUnion('type', [VideoSource, DeckSource, ImagesSource])
  .refine(
    (source) =>
      source.type === 'images'
        ? (source.file_ids === undefined) !== (source.urls === undefined)
        : namesOne(source),
    exactlyOne,
  )
  .meta({ id: 'Source' });
export type SourceRequest = z.infer<typeof SourceRequest>;

/** All files of a source, including subtitles and deck. */
export function sourceFileIds(source: SourceRequest): readonly FileId[] {
  if (source.type === 'images') return source.file_ids ?? [];
  const parts = source.type === 'video' ? [source, source.subtitles, source.deck] : [source];
  return parts.flatMap((part) => part?.file_id ?? []);
}

const TranscriptCue = z
  .strictObject({
    start: z.number().min(0).describe('Seconds from the first displayed frame.'),
    end: z.number().min(0).nullish().describe('Without it, the cue lasts until the next one.'),
    text: z.string().max(2000),
  })
  .meta({ id: 'TranscriptCue' });

/** A transcript in the request itself. The server stores it with the job and does not return it. */
const Transcript = z.union([
  z.array(TranscriptCue).min(1).max(50_000),
  z.string().trim().min(1).max(1_000_000),
]);

/**
 * How frames are sampled from a video. `adaptive` (the default): when the content changes. `fps`: at a fixed
 * rate. `count`: `max_frames` frames, evenly spaced. `scene`: one frame per shot. `keyframe`: the
 * keyframes of the encoder. All modes drop duplicates of the previous frame. See docs/media.md.
 */
export const Sampling = z
  .strictObject({
    mode: z
      .enum(['adaptive', 'fps', 'count', 'scene', 'keyframe'])
      .optional()
      .describe('The sampling mode. The default is `fps` if `fps` is set, otherwise `adaptive`.'),
    fps: z
      .number()
      .positive()
      .max(30)
      .optional()
      .describe('Frames per second, for mode `fps`. The default is 1.'),
    max_frames: z
      .int()
      .positive()
      .max(100_000)
      .default(600)
      .describe('Maximum number of frames. Frames with the least change are dropped first.'),
  })
  .transform(({ mode, fps, max_frames }) => ({
    mode: mode ?? (fps === undefined ? ('adaptive' as const) : ('fps' as const)),
    fps: fps ?? 1,
    max_frames,
  }))
  .meta({ id: 'Sampling' });
export type Sampling = z.infer<typeof Sampling>;

/** Custom key-value pairs of the client. Responses include them unchanged. */
export const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, { error: 'at most 16 members' });

const Prompt = z.string().trim().min(1).max(4000);
const Seconds = z.number().min(0).max(1e6);

export const SummaryRequest = z
  .strictObject({
    source: SourceRequest,
    transcript: Transcript.optional().describe(
      'The transcript of the video: an array of cues with start and end in seconds, or text lines that start with a timestamp.',
    ),
    prompt: Prompt.optional().describe('The focus of the summary, such as a question it should answer.'),
    caption_prompt: Prompt.optional().describe('Replaces the instruction of the caption prompt.'),
    summary_prompt: Prompt.optional().describe('Replaces the instruction of the summary prompt.'),
    sampling: Sampling.default({ mode: 'adaptive', fps: 1, max_frames: 600 }),
    start_time: Seconds.optional().describe(
      'Start of the range to summarize, in seconds from the first displayed frame.',
    ),
    end_time: Seconds.optional().describe(
      'End of the range to summarize, in seconds from the first displayed frame.',
    ),
    pages: z
      .string()
      .regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/)
      .max(1000)
      .optional()
      .describe('Slides to summarize, such as `1-20,25`.'),
    chunk_duration: z
      .number()
      .min(1)
      .max(86_400)
      .optional()
      .describe('Maximum length of a segment in seconds. The default is the maximum the model allows.'),
    detail: z
      .enum(['low', 'medium', 'high'])
      .default('medium')
      .describe('Image resolution for the model. Higher detail uses more tokens per frame.'),
    max_cost: z
      .number()
      .positive()
      .max(1e9)
      .optional()
      .describe(
        'Maximum cost of the job, in the currency of the server. No segment is started that could exceed it. The segments ' +
          'described so far are summarized; the others become gaps with reason `budget`.',
      ),
    max_tokens: z.int().min(16).max(4096).optional().describe('Maximum number of tokens in the summary.'),
    priority: z
      .enum(['high', 'normal', 'low'])
      .default('normal')
      .describe(
        'Priority in the queue: `high` for interactive use, `low` for backfills. Tenants share each level evenly.',
      ),
    custom_id: z.string().min(1).max(128).optional().describe('Your own identifier of the job.'),
    metadata: Metadata.optional().describe('Up to 16 key-value pairs, which are returned with the job.'),
  })
  .refine(
    (request) =>
      request.start_time === undefined ||
      request.end_time === undefined ||
      request.start_time < request.end_time,
    {
      error: 'start_time must be before end_time',
      path: ['end_time'],
    },
  )
  .refine(
    ({ source, transcript }) =>
      transcript === undefined || (source.type === 'video' && source.subtitles === undefined),
    { error: 'can only be used with a video without source.subtitles', path: ['transcript'] },
  )
  .meta({ id: 'SummaryRequest' });

/** A request as clients send it, before defaults are applied. */
export type SummaryRequestInput = z.input<typeof SummaryRequest>;
/** A request after validation, with defaults applied. */
export type SummaryRequest = z.output<typeof SummaryRequest>;

const ResolvedSampling = z
  .object({
    mode: z.enum(['adaptive', 'fps', 'count', 'scene', 'keyframe']),
    fps: z.number(),
    max_frames: z.int(),
  })
  .meta({ id: 'ResolvedSampling' });

/** A request as responses return it, with all defaults applied. */
export const ResolvedSummaryRequest = z
  .object({
    ...SummaryRequest.shape,
    sampling: ResolvedSampling,
    detail: SummaryRequest.shape.detail.unwrap(),
    priority: SummaryRequest.shape.priority.unwrap(),
  })
  .meta({ id: 'ResolvedSummaryRequest' });
