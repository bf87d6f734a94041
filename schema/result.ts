/**
 * The result of a job. It is a pure function of source, request and model: it contains no time, host or
 * number of attempts, so the results of two runs can be compared byte by byte. The exception is `attempts` of
 * a gap. The `ledger` of the job has the cost.
 */
import { z } from 'zod';
import { Sha256 } from './ids.ts';
import type { SkippedCues } from './source.ts';
import { TextEncodings } from './text-encodings.ts';

/** A frame that was described. Frames of videos have `time`, those of decks and image lists have `slide`. */
export const ResultFrame = z
  .object({
    index: z.int().describe('Number of the frame in the job, from 0. Its image is at `/frames/{index}.jpg`.'),
    time: z.number().optional().describe('Presentation time in seconds from the first displayed frame.'),
    slide: z
      .int()
      .optional()
      .describe(
        'Number of the slide or image, from 1. For a video with a deck, the slide that the frame displays.',
      ),
    caption: z.string().describe("The model's description of the frame."),
    image: z
      .string()
      .optional()
      .describe('URL of the image, relative to the API. Absent if the slide could not be rendered.'),
  })
  .meta({ id: 'Frame' });

/** A timed line of the transcript. */
export const ResultCue = z
  .object({
    cue: z.int().describe('Number of the cue in the transcript, from 0.'),
    start_time: z.number(),
    end_time: z.number(),
    text: z.string(),
  })
  .meta({ id: 'Cue' });
export type ResultCue = z.infer<typeof ResultCue>;

/** Version of the result schema. */
export const RESULT_SCHEMA = 2;

const SegmentUsage = z
  .object({ image_tokens: z.int(), input_tokens: z.int(), output_tokens: z.int() })
  .meta({ id: 'SegmentUsage' });

export const ResultSegment = z
  .object({
    index: z.int().describe('Number of the segment, from 0.'),
    start_time: z.number().optional().describe('Start of the segment in seconds; videos only.'),
    end_time: z.number().optional().describe('End of the segment in seconds; videos only.'),
    slides: z
      .array(z.int())
      .optional()
      .describe('The slides that were described, or that this segment of a video displays.'),
    caption: z.string().describe("The model's description of the segment."),
    transcript: z
      .array(ResultCue)
      .optional()
      .describe('The transcript cues that start in this segment of a video. Absent if there are none.'),
    finish_reason: z
      .enum(['stop', 'length', 'repetition'])
      .describe(
        'Why the generation ended: `stop` (complete), `length` (token limit) or `repetition` (the text repeated itself).',
      ),
    frames: z.array(ResultFrame),
    usage: SegmentUsage,
  })
  .meta({ id: 'Segment' });

export const ResultChapter = z
  .object({
    title: z.string(),
    start_time: z.number().optional(),
    end_time: z.number().optional(),
    slides: z.array(z.int()).optional(),
    summary: z.string().describe('Summary of the chapter.'),
    segments: z.array(z.int()).describe('Numbers of the segments of the chapter.'),
  })
  .meta({ id: 'Chapter' });

const SlideInterval = z
  .object({ start_time: z.number(), end_time: z.number() })
  .meta({ id: 'SlideInterval' });

export const ResultSlide = z
  .object({
    slide: z.int().describe('Number of the slide, from 1.'),
    title: z.string().optional(),
    text: z.string().optional().describe('The text of the slide.'),
    notes: z.string().optional().describe('Speaker notes.'),
    alt: z.array(z.string()).optional().describe('Alternative texts of the images on the slide.'),
    links: z
      .array(z.string())
      .optional()
      .describe('URLs of the links on the slide. Frameloom never follows them.'),
    hidden: z.boolean().optional().describe('True if the slide is hidden in the slide show.'),
    caption: z.string().optional().describe("The model's description of the slide image."),
    intervals: z
      .array(SlideInterval)
      .optional()
      .describe('The times at which the video displays the slide, in seconds.'),
  })
  .meta({ id: 'Slide' });

export const ResultGap = z
  .object({
    segment: z
      .int()
      .optional()
      .describe(
        'Absent if slides could not be rendered and belong to no segment (a retry gives the same), if only the ' +
          'transcript has a gap, or if the file lacks this part of the video.',
      ),
    start_time: z.number().optional(),
    end_time: z.number().optional(),
    slides: z.array(z.int()).optional(),
    reason: z.string().describe('An error code, or `budget` if `max_cost` was reached.'),
    message: z.string().optional().describe('What happened, for people.'),
    attempts: z
      .int()
      .describe('Number of attempts, including those lost with a worker. 0 if the segment was not started.'),
  })
  .meta({ id: 'Gap' });

const ResultSentence = z
  .object({
    text: z.string(),
    segments: z.array(z.int()).describe('Numbers of the segments that support the sentence.'),
  })
  .meta({ id: 'Sentence' });

const ResultTrack = z
  .object({
    index: z
      .int()
      .describe('Number of the stream in the file, from 0. `source.tracks` of a request takes it.'),
    type: z.enum(['video', 'audio', 'subtitles']),
    codec: z.string().describe("ffmpeg's name of the format."),
    language: z.string().optional(),
    title: z.string().optional(),
    default: z.boolean().optional().describe('True if the file marks the track as the default.'),
    forced: z
      .boolean()
      .optional()
      .describe('True if the file marks the track as forced: only signs or foreign speech.'),
    role: z
      .enum(['commentary', 'captions', 'descriptions'])
      .optional()
      .describe('What the file marks the track as: a commentary, for the deaf, or for the blind.'),
    poster: z
      .boolean()
      .optional()
      .describe('True for a cover image or thumbnails, which are not summarized.'),
    bitmap: z.boolean().optional().describe('True for subtitles that are images of text.'),
    selected: z.boolean().optional().describe('True if the job used the track.'),
  })
  .meta({ id: 'Track' });

const SkipReason = z.enum([
  ...(['no_time', 'no_text', 'before_start', 'after_end', 'outside_range', 'in_gap', 'too_long'] as const),
] satisfies (keyof SkippedCues)[]);

const ResultTranscript = z
  .object({
    cues: z.int().describe('Number of cues in the transcript.'),
    stream: z
      .int()
      .optional()
      .describe('Number of the stream that it was read from: one of `source.tracks`.'),
    encoding: TextEncodings.optional().describe(
      'The encoding of the subtitle file, if it is not Unicode. If it was detected wrongly, name it in `source.subtitles.encoding`.',
    ),
    skipped: z
      .array(z.object({ reason: SkipReason, cues: z.int() }).meta({ id: 'SkippedCues' }))
      .describe(
        'Cues that no segment contains, by reason: `no_time` (the time is missing or cannot be read), `no_text` (no words, ' +
          'such as a drawing), `before_start` (ends before the first displayed frame), `after_end` (begins after the end of ' +
          'the source), `outside_range` (begins outside of `start_time` and `end_time`), `in_gap` (begins in a segment that ' +
          'was not described), `too_long` (the transcript of its segment has reached 20,000 characters).',
      ),
  })
  .meta({
    id: 'Transcript',
    description: 'What was read as the transcript of a video, and what was left out. Absent if it has none.',
  });
export type ResultTranscript = z.infer<typeof ResultTranscript>;

const Discontinuity = z
  .object({
    time: z.number().describe('Where the recording goes on, in seconds from the first displayed frame.'),
    container_time: z.number().describe('Container time of the first frame after it, in seconds.'),
  })
  .meta({ id: 'Discontinuity' });

const ResultSource = z
  .object({
    type: z.enum(['video', 'deck', 'images']),
    sha256: Sha256,
    duration: z
      .number()
      .optional()
      .describe(
        'Duration of the video in seconds, until its last track ends; without an end that is missing.',
      ),
    start_offset: z
      .number()
      .optional()
      .describe(
        'Container time of the first displayed frame in seconds. All times in the result are relative to it.',
      ),
    width: z.int().optional(),
    height: z.int().optional(),
    discontinuities: z
      .array(Discontinuity)
      .optional()
      .describe(
        'Where the clock of the file is set back or far ahead, as in joined recordings. What follows begins where ' +
          'what precedes ends: times in the result are continuous.',
      ),
    tracks: z.array(ResultTrack).optional().describe('The video, audio and subtitle tracks of the file.'),
    pages: z.int().optional().describe('Number of slides or images.'),
  })
  .meta({ id: 'ResultSource' });

const ResultUsage = z.object({ frames: z.int(), ...SegmentUsage.shape }).meta({ id: 'ResultUsage' });

const ResultModel = z.object({ name: z.string(), revision: z.string() }).meta({ id: 'ResultModel' });

export const SummaryResult = z
  .object({
    schema: z.literal(RESULT_SCHEMA).describe('Version of the result schema.'),
    title: z.string(),
    summary: z.string().describe('The summary of the source.'),
    finish_reason: z
      .enum(['stop', 'length', 'repetition', 'budget'])
      .describe('As for segments, over all generations; `budget` if `max_cost` was reached.'),
    coverage: z.number().describe('Share of the source that was described, from 0 to 1.'),
    gaps: z.array(ResultGap),
    chapters: z.array(ResultChapter),
    segments: z.array(ResultSegment),
    sentences: z
      .array(ResultSentence)
      .describe('The sentences of the summary, each with the segments that support it.'),
    unsupported: z
      .array(z.string())
      .describe('Generated sentences that no segment supports. They are not part of the summary.'),
    slides: z
      .array(ResultSlide)
      .optional()
      .describe('The slides of a deck, or of the deck of a video, with their text.'),
    transcript: ResultTranscript.optional(),
    text_sources: z
      .array(z.enum(['slides', 'recognized', 'speech', 'subtitles']))
      .describe(
        'Sources of the text in the result: slide text, text recognized in frames, speech, or subtitles from the request or a track.',
      ),
    source: ResultSource,
    usage: ResultUsage,
    model: ResultModel,
    prompts: z.string().describe('Version of the prompts that were used.'),
    notice: z.string(),
  })
  .meta({ id: 'SummaryResult' });

export type ResultFrame = z.infer<typeof ResultFrame>;
export type ResultSegment = z.infer<typeof ResultSegment>;
export type ResultChapter = z.infer<typeof ResultChapter>;
export type ResultSlide = z.infer<typeof ResultSlide>;
export type ResultGap = z.infer<typeof ResultGap>;
export type SummaryResult = z.infer<typeof SummaryResult>;
