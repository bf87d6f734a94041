/**
 * Puts a job's pieces together into its result. Times come from frames and from nowhere else: a segment begins when its first
 * picture was shown and ends when the next segment begins.
 */
import {
  RESULT_SCHEMA,
  type ResultChapter,
  type ResultCue,
  type ResultFrame,
  type ResultGap,
  type ResultSegment,
  type ResultSlide,
  type SummaryResult,
} from '../schema/result.ts';
import type { Cue, Frame, SourceInfo } from '../schema/source.ts';
import { collapse } from './captions.ts';
import { type Evidence, poolCaptions } from './evidence.ts';
import type { PlannedSegment, SourceRange } from './plan.ts';
import { PROMPTS_VERSION } from './prompts.ts';
import { createTranscriptReader, isWordless } from './transcript.ts';

/** A segment's caption per frame, or why there is none. */
export type SegmentPiece = PlannedSegment &
  (
    | {
        readonly captions: readonly string[];
        readonly finishReason: 'stop' | 'length' | 'repetition';
        readonly usage: {
          readonly image_tokens: number;
          readonly input_tokens: number;
          readonly output_tokens: number;
        };
      }
    | { readonly reason: string; readonly attempts: number }
  );

/** A merged group of segments `[first, last)`. */
export interface Section {
  readonly first: number;
  readonly last: number;
  readonly title: string;
  readonly text: string;
}

export interface Pieces {
  readonly jobId: string;
  readonly source: SourceInfo;
  /** Requested seconds; of a video only. */
  readonly range?: SourceRange;
  readonly frames: readonly Frame[];
  readonly segments: readonly SegmentPiece[];
  readonly sections: readonly Section[];
  readonly title: string;
  readonly summary: string;
  /** The summary as the model wrote it, before it was mended. */
  readonly written: string;
  /** Whether the summary, and each text on the way to it, ended by itself or at its length limit. */
  readonly finishReasons: readonly ('stop' | 'length' | 'repetition')[];
  readonly slides?: readonly ResultSlide[];
  /** Slides whose picture is missing, and why. */
  readonly lost?: readonly { readonly slide: number; readonly reason: string }[];
  /** Words spoken in a video, and where they are from. */
  readonly words?: { readonly cues: readonly Cue[]; readonly from: 'request' | 'track' | 'speech' };
  /** Tokens of merging and titling, beside those of the segments. */
  readonly reduceUsage: { readonly input_tokens: number; readonly output_tokens: number };
  readonly model: { readonly name: string; readonly revision: string };
  /** Share of a sentence that must be supported, 0 to 1. */
  readonly evidence: number;
}

/** The result of a job. Pure: the same pieces give the same bytes. */
export function stitch(pieces: Pieces): SummaryResult {
  const { source, frames } = pieces;
  const starts = pieces.segments.map((segment) => frames[segment.first]?.time);
  const placeOf = (
    first: number,
    last: number,
  ): { start_time?: number; end_time?: number; slides?: number[] } => {
    const start = starts[first];
    const range = pieces.segments
      .slice(first, last)
      .flatMap((segment) => frames.slice(segment.first, segment.last));
    const slides = range.flatMap((frame) => (frame.slide === undefined ? [] : [frame.slide]));
    if (start === undefined) return { slides };
    const shown = [...new Set(slides)].sort((a, b) => a - b);
    return {
      start_time: start,
      end_time: starts[last] ?? pieces.range?.end ?? start,
      ...(shown.length > 0 ? { slides: shown } : {}),
    };
  };

  const transcript = createTranscriptReader(pieces.words?.cues ?? []);
  /** Words before the first picture belong to the first segment. */
  const transcriptIn = (
    index: number,
    place: { start_time?: number; end_time?: number },
  ): { transcript?: ResultCue[] } => {
    const { start_time: start, end_time: end } = place;
    if (!pieces.words || start === undefined || end === undefined) return {};
    const cues = transcript(index === 0 ? (pieces.range?.start ?? 0) : start, end);
    return cues.length === 0 ? {} : { transcript: [...cues] };
  };

  /** Captions of all frames, in order, with their segments. */
  const captions: { readonly segment: number; readonly caption: string }[] = [];
  /** By segment: how many captions there are before its own. */
  const begins: number[] = [];
  /** By segment: how many described ones there are before it. */
  const describedBefore: number[] = [];
  const segments: ResultSegment[] = [];
  const gaps: ResultGap[] = (pieces.lost ?? []).map(({ slide, reason }) => ({
    slides: [slide],
    reason,
    attempts: 1, // what is wrong with a slide shows at once
  }));
  for (const segment of pieces.segments) {
    const place = placeOf(segment.index, segment.index + 1);
    begins[segment.index] = captions.length;
    describedBefore[segment.index] = segments.length;
    if ('reason' in segment) {
      gaps.push({ segment: segment.index, ...place, reason: segment.reason, attempts: segment.attempts });
      continue;
    }
    const shown: ResultFrame[] = frames.slice(segment.first, segment.last).map((frame, offset) => {
      const index = segment.first + offset;
      const caption = segment.captions[offset] ?? '';
      captions.push({ segment: segment.index, caption });
      return {
        index,
        ...(frame.time === undefined ? {} : { time: frame.time }),
        ...(frame.slide === undefined ? {} : { slide: frame.slide }),
        caption,
        image: frameAddress(pieces.jobId, index),
      };
    });
    segments.push({
      index: segment.index,
      ...place,
      caption: collapse(segment.captions).join(' '),
      ...transcriptIn(segment.index, place),
      finish_reason: segment.finishReason,
      frames: shown,
      usage: segment.usage,
    });
  }

  /** Finds what the sentences of texts rest on, among the segments `[first, last)`. */
  const evidenceAmong = (first: number, last: number): ((text: string) => readonly Evidence[]) => {
    const own = captions.slice(begins[first], begins[last]);
    const pool = poolCaptions(own.map(({ caption }) => caption));
    return (text) =>
      pool.check(text, pieces.evidence).map(({ text: sentence, supporters }) => ({
        text: sentence,
        supporters: [...new Set(supporters.map((at) => own[at]?.segment ?? -1))],
      }));
  };
  const supported = (list: readonly Evidence[]): readonly Evidence[] =>
    list.filter((item) => item.supporters.length > 0);

  const chapters: ResultChapter[] = pieces.sections.map((section) => {
    const members = segments.slice(describedBefore[section.first], describedBefore[section.last]);
    const kept = supported(evidenceAmong(section.first, section.last)(section.text));
    return {
      title: section.title,
      ...placeOf(section.first, section.last),
      summary:
        kept.length > 0
          ? kept.map((item) => item.text).join(' ')
          : members.map((segment) => segment.caption).join(' '),
      segments: members.map((segment) => segment.index),
    };
  });

  const evidence = evidenceAmong(0, pieces.segments.length);
  const kept = supported(evidence(pieces.summary));
  const unsupported = evidence(pieces.written).filter((item) => item.supporters.length === 0);
  const usage = total(segments, pieces);
  const described = coverage(pieces, segments, placeOf);

  return {
    schema: RESULT_SCHEMA,
    title: pieces.title,
    summary: kept.map((item) => item.text).join(' '),
    finish_reason: gaps.some(({ reason }) => reason === 'budget')
      ? 'budget'
      : worst([...pieces.finishReasons, ...segments.map((segment) => segment.finish_reason)]),
    coverage: described,
    gaps,
    chapters,
    segments,
    sentences: kept.map((item) => ({ text: item.text, segments: [...item.supporters] })),
    unsupported: unsupported.map((item) => item.text),
    ...(pieces.slides ? { slides: withCaptions(pieces.slides, segments) } : {}),
    text_sources: textSourcesOf(pieces),
    source: describeSource(source),
    usage,
    model: pieces.model,
    prompts: PROMPTS_VERSION,
    notice: 'AI-generated; may be wrong.',
  };
}

function textSourcesOf({ slides = [], words }: Pieces): SummaryResult['text_sources'] {
  const hasSlideText = slides.some((slide) => !isWordless(slide));
  return [
    ...(hasSlideText ? (['slides'] as const) : []),
    ...(words ? [words.from === 'speech' ? ('speech' as const) : ('subtitles' as const)] : []),
  ];
}

/** Address of a frame's picture, relative to the API. */
export function frameAddress(jobId: string, index: number): string {
  return `/v1/summaries/${jobId}/frames/${index}.jpg`;
}

/** With what the model says of the slide's own picture; in a video, of the first frame that shows it. */
function withCaptions(slides: readonly ResultSlide[], segments: readonly ResultSegment[]): ResultSlide[] {
  const captions = new Map<number, string>();
  for (const { frames } of segments) {
    for (const { slide, caption } of frames)
      if (slide !== undefined && !captions.has(slide)) captions.set(slide, caption);
  }
  return slides.map((slide) => {
    const caption = captions.get(slide.slide);
    return caption ? { ...slide, caption } : slide;
  });
}

function total(segments: readonly ResultSegment[], pieces: Pieces): SummaryResult['usage'] {
  const sum = (key: 'image_tokens' | 'input_tokens' | 'output_tokens'): number =>
    segments.reduce((all, segment) => all + segment.usage[key], 0);
  return {
    frames: pieces.frames.length,
    image_tokens: sum('image_tokens'),
    input_tokens: sum('input_tokens') + pieces.reduceUsage.input_tokens,
    output_tokens: sum('output_tokens') + pieces.reduceUsage.output_tokens,
  };
}

/** Share of the requested source that lies in described segments, rounded to 1e-6. */
function coverage(
  pieces: Pieces,
  segments: readonly ResultSegment[],
  placeOf: (first: number, last: number) => { start_time?: number; end_time?: number },
): number {
  if (pieces.segments.length === 0) return 0;
  const whole = placeOf(0, pieces.segments.length);
  const length = (place: { start_time?: number; end_time?: number }): number =>
    (place.end_time ?? 0) - (place.start_time ?? 0);
  if (length(whole) > 0) {
    const described = segments.reduce((sum, { index }) => sum + length(placeOf(index, index + 1)), 0);
    return segments.length === pieces.segments.length ? 1 : round(described / length(whole));
  }
  const lost = new Set(pieces.lost?.map(({ slide }) => slide));
  const pictured = segments.flatMap(({ frames }) => frames).filter(({ slide = 0 }) => !lost.has(slide));
  const all = pieces.frames.filter(({ slide = 0 }) => !lost.has(slide)).length + lost.size;
  return round(pictured.length / all);
}

function round(share: number): number {
  return Math.round(share * 1e6) / 1e6;
}

function describeSource(source: SourceInfo): SummaryResult['source'] {
  if (source.type === 'video') {
    const { type, sha256, duration, startOffset, width, height } = source;
    return { type, sha256, duration, start_offset: startOffset, width, height };
  }
  return { type: source.type, sha256: source.sha256, pages: source.pages };
}

/** The whole is no better than its parts: one that was cut, or went round in a loop, shows. */
function worst(reasons: readonly ('stop' | 'length' | 'repetition')[]): 'stop' | 'length' | 'repetition' {
  if (reasons.includes('length')) return 'length';
  return reasons.includes('repetition') ? 'repetition' : 'stop';
}
