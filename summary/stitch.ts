/**
 * Stitches the captions, texts and titles of a job into its result. All times are those of frames; the model
 * never writes one.
 */
import {
  RESULT_SCHEMA,
  type ResultChapter,
  type ResultSegment,
  type ResultSlide,
  type SummaryResult,
} from '../schema/result.ts';
import type { SourceInfo } from '../schema/source.ts';
import { createCaptionPool, type Evidence } from './evidence.ts';
import { PROMPTS_VERSION } from './prompts.ts';
import {
  buildSegments,
  coverageOf,
  createSpanOf,
  type ResultSegments,
  type SpanOf,
} from './result-segments.ts';
import type { StitchInput } from './stitch-input.ts';
import { chapterTitle, jobTitle } from './titles.ts';
import { isTextless } from './transcript.ts';
import { reportTranscript } from './transcript-report.ts';

/** Returns the result of a job. Pure: the same input gives the same bytes. */
export function stitch(input: StitchInput): SummaryResult {
  const spanOf = createSpanOf(input);
  const parts = buildSegments(input, spanOf);
  const { segments, gaps } = parts;
  const check = evidenceChecker(input, parts);
  const chapters = chaptersOf(input, parts, spanOf, check);
  const sentences = supported(check(0, input.segments.length, input.summary));
  const unsupported = check(0, input.segments.length, input.uncheckedSummary).filter(
    ({ supporters }) => supporters.length === 0,
  );
  return {
    schema: RESULT_SCHEMA,
    title: jobTitle(
      input,
      parts,
      chapters.map(({ title }) => title),
    ),
    summary: textOf(sentences),
    finish_reason: gaps.some(({ reason }) => reason === 'budget')
      ? 'budget'
      : worst([...input.finishReasons, ...segments.map((segment) => segment.finish_reason)]),
    coverage: coverageOf(input, segments, spanOf),
    gaps: [...gaps],
    chapters,
    segments: [...segments],
    sentences: sentences.map(({ text, supporters }) => ({ text, segments: [...supporters] })),
    unsupported: unsupported.map(({ text }) => text),
    ...(input.slides ? { slides: withCaptions(input.slides, segments) } : {}),
    ...(input.transcript ? { transcript: reportTranscript(input.transcript, input, segments) } : {}),
    text_sources: textSourcesOf(input),
    source: describeSource(input.source),
    usage: totalUsage(input, segments),
    model: input.model,
    prompts: PROMPTS_VERSION,
    notice: 'AI-generated; may be wrong.',
  };
}

/** Finds the segments among `[first, last)` that support each sentence of `text`. */
type CheckEvidence = (first: number, last: number, text: string) => readonly Evidence[];

function evidenceChecker({ evidenceThreshold }: StitchInput, parts: ResultSegments): CheckEvidence {
  return (first, last, text) => {
    const captions = parts.captionsOf(first, last);
    const pool = createCaptionPool(captions.map(({ caption }) => caption));
    return pool.check(text, evidenceThreshold).map(({ text: sentence, supporters }) => ({
      text: sentence,
      supporters: [...new Set(supporters.map((index) => captions[index]?.segment ?? -1))],
    }));
  };
}

/** The chapters. One without a supported sentence has the captions of its segments as its summary. */
function chaptersOf(
  input: StitchInput,
  parts: ResultSegments,
  spanOf: SpanOf,
  check: CheckEvidence,
): ResultChapter[] {
  return input.sections.map((section) => {
    const { first, last, text } = section;
    const members = parts.describedOf(first, last);
    const span = spanOf(first, last);
    const sentences = supported(check(first, last, text));
    return {
      title: chapterTitle(input, parts, section, span),
      ...span,
      summary: sentences.length > 0 ? textOf(sentences) : members.map((segment) => segment.caption).join(' '),
      segments: members.map((segment) => segment.index),
    };
  });
}

function supported(sentences: readonly Evidence[]): readonly Evidence[] {
  return sentences.filter(({ supporters }) => supporters.length > 0);
}

function textOf(sentences: readonly Evidence[]): string {
  return sentences.map(({ text }) => text).join(' ');
}

function textSourcesOf({ slides = [], transcript }: StitchInput): SummaryResult['text_sources'] {
  const hasSlideText = slides.some((slide) => !isTextless(slide));
  return [
    ...(hasSlideText ? (['slides'] as const) : []),
    ...(transcript && transcript.cues.length > 0
      ? [transcript.from === 'speech' ? ('speech' as const) : ('subtitles' as const)]
      : []),
  ];
}

/** Adds to each slide the caption of its image; in a video, of the first frame that displays it. */
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

function totalUsage(
  { frames, reduceUsage }: StitchInput,
  segments: readonly ResultSegment[],
): SummaryResult['usage'] {
  const sum = (key: 'image_tokens' | 'input_tokens' | 'output_tokens'): number =>
    segments.reduce((total, segment) => total + segment.usage[key], 0);
  return {
    frames: frames.length,
    image_tokens: sum('image_tokens'),
    input_tokens: sum('input_tokens') + reduceUsage.input_tokens,
    output_tokens: sum('output_tokens') + reduceUsage.output_tokens,
  };
}

function describeSource(source: SourceInfo): SummaryResult['source'] {
  if (source.type === 'video') {
    const { type, sha256, duration, startOffset, width, height, videoTrack } = source;
    const tracks = source.tracks.map((track) =>
      track.index === videoTrack ? { ...track, selected: true } : track,
    );
    const discontinuities = (source.sequential?.parts ?? []).slice(1).map(({ start, shift }) => ({
      time: round(start + shift - startOffset),
      container_time: start,
    }));
    return {
      ...{ type, sha256, duration, start_offset: startOffset, width, height },
      ...(discontinuities.length > 0 ? { discontinuities } : {}),
      tracks,
    };
  }
  return { type: source.type, sha256: source.sha256, pages: source.pages };
}

function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

/** The reason of the whole: `length` if any generation reached its limit, then `repetition`, then `stop`. */
function worst(reasons: readonly ('stop' | 'length' | 'repetition')[]): 'stop' | 'length' | 'repetition' {
  if (reasons.includes('length')) return 'length';
  return reasons.includes('repetition') ? 'repetition' : 'stop';
}
