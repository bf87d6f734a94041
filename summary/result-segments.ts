/** The segments and gaps of a result, with their times and slides. */
import type { ResultCue, ResultFrame, ResultGap, ResultSegment } from '../schema/result.ts';
import { removeRepeats } from './captions.ts';
import type { StitchInput } from './stitch-input.ts';
import { createTranscriptReader } from './transcript.ts';

/**
 * Where a range of segments is in the source: seconds in a video, slide numbers in a deck, both in a lecture
 * with its deck.
 */
export interface SourceSpan {
  readonly start_time?: number;
  readonly end_time?: number;
  readonly slides?: number[];
}

/** The span of the segments `[first, last)`. */
export type SpanOf = (first: number, last: number) => SourceSpan;

/**
 * Returns a function for the spans of segments. Times are those of frames: a segment starts at its first
 * frame and ends where the next segment starts, the last one at the end of the requested range.
 */
export function createSpanOf({ segments, frames, range }: StitchInput): SpanOf {
  const starts = segments.map((segment) => frames[segment.first]?.time);
  return (first, last) => {
    const start = starts[first];
    const own = segments.slice(first, last).flatMap((segment) => frames.slice(segment.first, segment.last));
    const slides = own.flatMap((frame) => frame.slide ?? []);
    if (start === undefined) return { slides };
    const visible = [...new Set(slides)].sort((a, b) => a - b);
    return {
      start_time: start,
      end_time: starts[last] ?? range?.end ?? start,
      ...(visible.length > 0 ? { slides: visible } : {}),
    };
  };
}

export interface ResultSegments {
  /** The described segments. */
  readonly segments: readonly ResultSegment[];
  readonly gaps: readonly ResultGap[];
  /** The captions of all frames in order, each with the number of its segment. */
  readonly captions: readonly FrameCaption[];
  /** The captions of the segments `[first, last)`. */
  captionsOf(first: number, last: number): readonly FrameCaption[];
  /** The described ones of the segments `[first, last)`. */
  describedOf(first: number, last: number): readonly ResultSegment[];
}

export interface FrameCaption {
  readonly segment: number;
  readonly caption: string;
}

export function buildSegments(input: StitchInput, spanOf: SpanOf): ResultSegments {
  const cuesOf = createCueReader(input);
  const captions: FrameCaption[] = [];
  /** By segment: the number of captions, and of described segments, before it. */
  const captionsBefore: number[] = [];
  const describedBefore: number[] = [];
  const segments: ResultSegment[] = [];
  const gaps: ResultGap[] = [
    ...(input.slideGaps ?? []).map(({ slide, reason, message }) => ({
      slides: [slide],
      reason,
      ...(message === undefined ? {} : { message }),
      attempts: 1, // rendering a slide again gives the same error
    })),
    ...(input.transcript?.gaps ?? []).map(({ start, end, reason, attempts }) => {
      return { start_time: start, end_time: end, reason, attempts };
    }),
    ...(input.timeGaps ?? []).map((gap) => ({ ...gap, attempts: 1 })),
  ];
  for (const segment of input.segments) {
    const { index, first, last } = segment;
    const span = spanOf(index, index + 1);
    captionsBefore[index] = captions.length;
    describedBefore[index] = segments.length;
    if ('reason' in segment) {
      gaps.push({ segment: index, ...span, reason: segment.reason, attempts: segment.attempts });
      continue;
    }
    const frames = input.frames.slice(first, last).map((frame, offset): ResultFrame => {
      const caption = segment.captions[offset] ?? '';
      captions.push({ segment: index, caption });
      return {
        index: first + offset,
        ...(frame.time === undefined ? {} : { time: frame.time }),
        ...(frame.slide === undefined ? {} : { slide: frame.slide }),
        caption,
        ...(frame.placeholder ? {} : { image: frameImagePath(input.jobId, first + offset) }),
      };
    });
    segments.push({
      index,
      ...span,
      caption: removeRepeats(segment.captions).join(' '),
      ...cuesOf(index, span),
      finish_reason: segment.finishReason,
      frames,
      usage: segment.usage,
    });
  }
  return {
    segments,
    gaps,
    captions,
    captionsOf: (first, last) => captions.slice(captionsBefore[first], captionsBefore[last]),
    describedOf: (first, last) => segments.slice(describedBefore[first], describedBefore[last]),
  };
}

/**
 * Returns a function for the cues that start in a segment. Cues before the first frame belong to the first
 * segment.
 */
function createCueReader({
  transcript,
  range,
}: StitchInput): (index: number, span: SourceSpan) => { transcript?: ResultCue[] } {
  if (!transcript) return () => ({});
  const read = createTranscriptReader(transcript.cues);
  return (index, { start_time: start, end_time: end }) => {
    if (start === undefined || end === undefined) return {};
    const cues = read(index === 0 ? (range?.start ?? 0) : start, end);
    return cues.length === 0 ? {} : { transcript: [...cues] };
  };
}

/**
 * Share of the requested source in described segments, 0 to 1, rounded to 1e-6: of its time, or of its
 * slides.
 */
export function coverageOf(
  { segments: planned, frames, slideGaps = [], timeGaps = [] }: StitchInput,
  segments: readonly ResultSegment[],
  spanOf: SpanOf,
): number {
  if (planned.length === 0) return 0;
  const whole = secondsOf(spanOf(0, planned.length));
  if (whole > 0) {
    const missing = timeGaps.reduce((sum, gap) => sum + secondsOf(gap), 0);
    if (segments.length === planned.length && missing === 0) return 1;
    const described = segments.reduce((sum, { index }) => sum + secondsOf(spanOf(index, index + 1)), 0);
    return round(described / (whole + missing));
  }
  const withoutImage = new Set(slideGaps.flatMap((gap) => (gap.hasImage ? [] : gap.slide)));
  const hasImage = ({ slide = 0 }: { readonly slide?: number | undefined }): boolean =>
    !withoutImage.has(slide);
  const described = segments.flatMap((segment) => segment.frames).filter(hasImage);
  return round(described.length / (frames.filter(hasImage).length + withoutImage.size));
}

/** Path of the image of a frame, relative to the API. */
export function frameImagePath(jobId: string, index: number): string {
  return `/v1/summaries/${jobId}/frames/${index}.jpg`;
}

function secondsOf({ start_time = 0, end_time = 0 }: SourceSpan): number {
  return end_time - start_time;
}

function round(share: number): number {
  return Math.round(share * 1e6) / 1e6;
}
