/**
 * What a job made. The result is a pure function of source, request and model: it holds nothing that depends on when,
 * where or in how many attempts it was made, so that two runs of a job can be compared byte by byte; only a gap says how often it
 * was tried. What it cost stands in the `ledger` of the job.
 */
import { z } from 'zod';
import { Sha256 } from './ids.ts';

/** A picture the model saw. Videos give `time`, decks and image lists give `slide`. */
export const ResultFrame = z
  .object({
    index: z.int().describe('Number of the frame in the job, from 0: /frames/{index}.jpg'),
    time: z.number().optional().describe('Presentation time in seconds from the first shown frame.'),
    slide: z
      .int()
      .optional()
      .describe('Slide or picture number, from 1; in a video, that of the slide it shows.'),
    caption: z.string().describe('What the model says of this picture.'),
    image: z.string().describe('Address of the picture, relative to the API.'),
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

/** Version of the shape of a result. */
export const RESULT_SCHEMA = 2;

const SegmentUsage = z
  .object({ image_tokens: z.int(), input_tokens: z.int(), output_tokens: z.int() })
  .meta({ id: 'SegmentUsage' });

export const ResultSegment = z
  .object({
    index: z.int(),
    start_time: z.number().optional(),
    end_time: z.number().optional(),
    slides: z.array(z.int()).optional().describe('Slides described, or shown in this part of a video.'),
    caption: z.string(),
    transcript: z
      .array(ResultCue)
      .optional()
      .describe('Subtitles or speech that begin in this part of a video. Absent where there are none.'),
    finish_reason: z.enum(['stop', 'length', 'repetition']),
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
    summary: z.string(),
    segments: z.array(z.int()),
  })
  .meta({ id: 'Chapter' });

const SlideInterval = z
  .object({ start_time: z.number(), end_time: z.number() })
  .meta({ id: 'SlideInterval' });

export const ResultSlide = z
  .object({
    slide: z.int(),
    title: z.string().optional(),
    text: z.string().optional(),
    notes: z.string().optional().describe('What the speaker wrote below the slide.'),
    alt: z.array(z.string()).optional().describe('What the author says of the pictures on the slide.'),
    links: z.array(z.string()).optional().describe('Addresses the slide links to. They are never followed.'),
    hidden: z.boolean().optional().describe('True where the author hid the slide from the show.'),
    caption: z.string().optional().describe('What the model says of the picture of the slide.'),
    intervals: z.array(SlideInterval).optional().describe('When the video shows the slide, in seconds.'),
  })
  .meta({ id: 'Slide' });

export const ResultGap = z
  .object({
    segment: z.int().optional().describe('Absent where slides could not be drawn and so are in no segment.'),
    start_time: z.number().optional(),
    end_time: z.number().optional(),
    slides: z.array(z.int()).optional(),
    reason: z.string().describe('Error code; `budget` where `max_cost` was reached.'),
    attempts: z
      .int()
      .describe('How often it was tried, workers that were lost included; 0 where it was not begun.'),
  })
  .meta({ id: 'Gap' });

const ResultSentence = z.object({ text: z.string(), segments: z.array(z.int()) }).meta({ id: 'Sentence' });

const ResultSource = z
  .object({
    type: z.enum(['video', 'deck', 'images']),
    sha256: Sha256,
    duration: z.number().optional(),
    start_offset: z
      .number()
      .optional()
      .describe('Container time in seconds of the first shown frame; times in the result count from it.'),
    width: z.int().optional(),
    height: z.int().optional(),
    pages: z.int().optional(),
  })
  .meta({ id: 'ResultSource' });

const ResultUsage = z.object({ frames: z.int(), ...SegmentUsage.shape }).meta({ id: 'ResultUsage' });

const ResultModel = z.object({ name: z.string(), revision: z.string() }).meta({ id: 'ResultModel' });

export const SummaryResult = z
  .object({
    schema: z.literal(RESULT_SCHEMA).describe('Version of this object.'),
    title: z.string(),
    summary: z.string(),
    finish_reason: z.enum(['stop', 'length', 'repetition', 'budget']),
    coverage: z.number().describe('Share of the source that was described, 0 to 1.'),
    gaps: z.array(ResultGap),
    chapters: z.array(ResultChapter),
    segments: z.array(ResultSegment),
    sentences: z
      .array(ResultSentence)
      .describe('The sentences of the summary, each with the segments it rests on.'),
    unsupported: z
      .array(z.string())
      .describe('Sentences the model wrote that no segment supports; they are left out of the summary.'),
    slides: z
      .array(ResultSlide)
      .optional()
      .describe('Decks, and videos with their deck: what each slide says.'),
    text_sources: z
      .array(z.enum(['slides', 'recognized', 'speech', 'subtitles']))
      .describe(
        'Where the text of the result is from: slides, text recognized in frames, speech, subtitles (of the request or a track).',
      ),
    source: ResultSource,
    usage: ResultUsage,
    model: ResultModel,
    prompts: z.string().describe('Version of the prompts.'),
    notice: z.string(),
  })
  .meta({ id: 'SummaryResult' });

export type ResultFrame = z.infer<typeof ResultFrame>;
export type ResultSegment = z.infer<typeof ResultSegment>;
export type ResultChapter = z.infer<typeof ResultChapter>;
export type ResultSlide = z.infer<typeof ResultSlide>;
export type ResultGap = z.infer<typeof ResultGap>;
export type SummaryResult = z.infer<typeof SummaryResult>;
