/** What a client asks for: the body of `POST /v1/summaries`. Unknown members are refused, so that a typo is never ignored. */
import { z } from 'zod';
import { FileId } from './ids.ts';

const Url = z.url({ protocol: /^https?$/ }).max(4096);

const one = { file_id: FileId.optional(), url: Url.optional() };

/** Of a PDF. The server keeps it apart and answers with a reference in its place. */
const Password = z
  .string()
  .min(1)
  .max(256)
  .optional()
  .describe('Opens an encrypted PDF. Answers show a reference in its place.');

const exactlyOne = {
  error: 'give exactly one of file_id and url (file_ids and urls for images)',
};

function namesOne(source: { readonly file_id?: unknown; readonly url?: unknown }): boolean {
  return (source.file_id === undefined) !== (source.url === undefined);
}

const Subtitles = z.strictObject(one).refine(namesOne, exactlyOne).meta({
  id: 'SubtitlesSource',
  description:
    'The speech of a video as a file: SubRip, WebVTT, ASS, TTML, or lines that begin with their time.',
});
const VideoDeck = z
  .strictObject({ ...one, password: Password })
  .refine(namesOne, exactlyOne)
  .meta({
    id: 'VideoDeckSource',
    description: 'The deck that the video shows. Its slides are matched to their times in the video.',
  });

const VideoSource = z
  .strictObject({
    type: z.literal('video'),
    ...one,
    subtitles: Subtitles.optional(),
    deck: VideoDeck.optional(),
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

const TranscriptCue = z
  .strictObject({ start: z.number().min(0), end: z.number().min(0), text: z.string().max(2000) })
  .meta({ id: 'TranscriptCue' });

/** A transcript in the request itself. The server stores it with the job and does not return it. */
const Transcript = z.union([
  z.array(TranscriptCue).min(1).max(50_000),
  z.string().trim().min(1).max(1_000_000),
]);

/**
 * How pictures are taken from a video; docs/media.md says how each mode decides. `adaptive` (the default) follows change.
 * `fps`: pictures per second of source. `count`: that many pictures, evenly spread. `scene`: one per shot. `keyframe`: the
 * encoder's keyframes. All leave out pictures that look like the one before.
 */
export const Sampling = z
  .strictObject({
    mode: z
      .enum(['adaptive', 'fps', 'count', 'scene', 'keyframe'])
      .optional()
      .describe('How pictures are chosen. Default: fps where fps is given, else adaptive.'),
    fps: z.number().positive().max(30).optional().describe('Pictures per second, for mode fps. Default 1.'),
    max_frames: z
      .int()
      .positive()
      .max(100_000)
      .default(600)
      .describe('Most pictures taken from the source; those that show least change are left out first.'),
  })
  .transform(({ mode, fps, max_frames }) => ({
    mode: mode ?? (fps === undefined ? ('adaptive' as const) : ('fps' as const)),
    fps: fps ?? 1,
    max_frames,
  }))
  .meta({ id: 'Sampling' });
export type Sampling = z.infer<typeof Sampling>;

/** Notes of the client's own, which answers repeat. */
export const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, { error: 'at most 16 members' });

const Prompt = z.string().trim().min(1).max(4000);
const Seconds = z.number().min(0).max(1e6);

export const SummaryRequest = z
  .strictObject({
    source: SourceRequest,
    transcript: Transcript.optional().describe(
      'Words spoken in the video: an array of start, end (seconds) and text, or text whose lines begin with their time.',
    ),
    prompt: Prompt.optional().describe('What the summary should answer or stress.'),
    caption_prompt: Prompt.optional().describe('Replaces the instruction of the caption stage.'),
    summary_prompt: Prompt.optional().describe('Replaces the instruction of the summary stage.'),
    sampling: Sampling.default({ mode: 'adaptive', fps: 1, max_frames: 600 }),
    start_time: Seconds.optional().describe('Seconds from the first shown frame.'),
    end_time: Seconds.optional(),
    pages: z
      .string()
      .regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/)
      .max(1000)
      .optional()
      .describe('Slides to use, such as 1-20,25.'),
    chunk_duration: z
      .number()
      .min(1)
      .max(86_400)
      .optional()
      .describe('Longest segment in seconds; default: as long as the model allows.'),
    detail: z
      .enum(['low', 'medium', 'high'])
      .default('medium')
      .describe('How closely each picture is looked at.'),
    max_cost: z
      .number()
      .positive()
      .max(1e9)
      .optional()
      .describe(
        'Most the job may cost, in the currency of the server: no segment is begun that could take it beyond. What is described ' +
          'by then is summarized, and the rest are gaps with the reason `budget`.',
      ),
    max_tokens: z.int().min(16).max(4096).optional().describe('Most tokens of the summary.'),
    priority: z
      .enum(['high', 'normal', 'low'])
      .default('normal')
      .describe(
        'Which waiting work goes first: high where a person waits, low for backfills. Within one level tenants share evenly.',
      ),
    custom_id: z.string().min(1).max(128).optional(),
    metadata: Metadata.optional(),
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
    { error: 'goes with a video that has no source.subtitles', path: ['transcript'] },
  )
  .meta({ id: 'SummaryRequest' });

/** A request as it came in, defaults not yet filled. */
export type SummaryRequestInput = z.input<typeof SummaryRequest>;
/** A request after validation, defaults filled. */
export type SummaryRequest = z.output<typeof SummaryRequest>;

const ResolvedSampling = z
  .object({
    mode: z.enum(['adaptive', 'fps', 'count', 'scene', 'keyframe']),
    fps: z.number(),
    max_frames: z.int(),
  })
  .meta({ id: 'ResolvedSampling' });

/** A request as responses show it: all defaults are filled in. */
export const ResolvedSummaryRequest = z
  .object({
    ...SummaryRequest.shape,
    sampling: ResolvedSampling,
    detail: SummaryRequest.shape.detail.unwrap(),
    priority: SummaryRequest.shape.priority.unwrap(),
  })
  .meta({ id: 'ResolvedSummaryRequest' });
