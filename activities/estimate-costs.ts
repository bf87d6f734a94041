/** Estimates the cost of a job from its sampled frames and from the usage of recent jobs of the model. */
import type { EstimateActivities, EstimateAmounts, EstimateCostsInput } from '../schema/estimate.ts';
import type { ModelPlan } from '../schema/model-plan.ts';
import type { ModelProfile } from '../schema/model-profile.ts';
import type { Frame, SourceInfo } from '../schema/source.ts';
import type { TranscriptRef } from '../schema/stages.ts';
import type { StoredRequest } from '../schema/stored-request.ts';
import { priceUsage } from '../schema/usage-cost.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import {
  estimateTokens,
  type SegmentImages,
  type TokenCounts,
  type TypicalLengths,
} from '../summary/estimate.ts';
import { planSegments } from '../summary/plan.ts';
import {
  extractionsOf,
  readJobFrames,
  readStoredRequest,
  readUsageSamples,
  type UsageSample,
  withHeartbeat,
} from './lib/index.ts';
import { frameTokens, segmentBudget } from './plan.ts';

/** Length of a caption as a share of its limit, for a model without usage samples. */
const DEFAULT_CAPTION_SHARE = 0.6;
/** Share of captions that do not repeat the one before: several frames often show the same shot. */
const DEFAULT_DISTINCT_SHARE = { video: 0.75, deck: 0.95, images: 0.95 } as const;
const DEFAULT_TITLE_TOKENS = 8;
/** Prompt tokens that take as long as one output token: prefill processes many tokens at once. */
const PROMPT_TOKENS_PER_STEP = 10;
/** Share by which the range widens in both directions when only some spans of the source were sampled. */
const UNSAMPLED_MARGIN = 0.3;
/** Length and variety of outputs at the low end of the range, as a share of those expected. */
const SHORT_OUTPUT_SHARE = 0.6;

export interface EstimateDeps {
  readonly store: ArtifactStore;
  readonly profile: ModelProfile;
}

/** Creates the activity. It throws StoreError. */
export function createEstimateCosts({ store, profile }: EstimateDeps): EstimateActivities['estimateCosts'] {
  return (input) =>
    withHeartbeat(async () => {
      const { model, source } = input;
      const stored = await readStoredRequest(store, input.jobId);
      const extractions = await extractionsOf(store, input, input.extractions);
      const { frames } = await readJobFrames(store, extractions, input.maxFrames);
      const segments = segmentsOf(input, stored, frames);
      const samples = await readUsageSamples(store, model.revision, Date.now());
      const growth = growthOf(input, frames.length);
      const tokens = tokensOf({
        segments,
        input,
        stored,
        growth,
        length: generationLengthOf(samples, profile, source.type),
      });
      return estimateOf(input, tokens, samples, {
        segments: scaledRange(segments.length, growth),
        frames: scaledRange(frames.filter(({ placeholder }) => !placeholder).length, growth),
      });
    });
}

/** The segments that the sampled frames would form, with the tokens of their images. */
function segmentsOf(
  { model, source }: EstimateCostsInput,
  stored: StoredRequest,
  frames: readonly Frame[],
): readonly Omit<SegmentImages, 'quotedTokens'>[] {
  const { request } = stored;
  const { chunk_duration: chunk, start_time = 0 } = request;
  const costs = frames.map((frame) => ({ ...frame, imageTokens: frameTokens(frame, model) }));
  // Only whether there is a transcript matters to the budget.
  const transcript: TranscriptRef | undefined = isTranscribed(source, stored)
    ? { artifact: '', from: 'track' }
    : undefined;
  return planSegments(
    costs,
    segmentBudget({ model, source, request, ...(transcript ? { transcript } : {}) }),
    chunk === undefined ? undefined : { origin: start_time, seconds: chunk },
  ).map(({ first, last }) => {
    const own = costs.slice(first, last).filter(({ placeholder }) => !placeholder);
    return { images: own.length, imageTokens: own.reduce((sum, frame) => sum + frame.imageTokens, 0) };
  });
}

/**
 * Tokens of the whole job: with outputs of the expected length, with short ones, and with outputs at their
 * limits.
 */
function tokensOf({
  segments,
  input: { model, source },
  stored,
  growth,
  length,
}: {
  readonly segments: readonly Omit<SegmentImages, 'quotedTokens'>[];
  readonly input: EstimateCostsInput;
  readonly stored: StoredRequest;
  readonly growth: Range<number>;
  readonly length: TypicalLengths;
}): Range<TokenCounts> {
  const { request } = stored;
  const quoted = quotedTokens(model, source, isTranscribed(source, stored));
  const own = {
    caption: (request.prompt?.length ?? 0) + (request.caption_prompt?.length ?? 0),
    merge: (request.prompt?.length ?? 0) + (request.summary_prompt?.length ?? 0),
  };
  const maxSummaryTokens = request.max_tokens ?? model.tokens.summary;
  const lengths: Range<TypicalLengths> = {
    expected: length,
    low: {
      ...length,
      caption: length.caption * SHORT_OUTPUT_SHARE,
      distinct: length.distinct * SHORT_OUTPUT_SHARE,
    },
    high: { caption: model.tokens.captionPerImage, distinct: 1, title: model.tokens.title },
  };
  return rangeOf((which) => {
    const withText = segments.map((segment) => ({ ...segment, quotedTokens: quoted[which] }));
    const { input, output } = estimateTokens(withText, model, maxSummaryTokens, own, lengths[which]);
    return { input: Math.round(input * growth[which]), output: Math.round(output * growth[which]) };
  });
}

/**
 * Whether there is a transcript without speech recognition: in the request, as a file or as a track of the
 * video.
 */
function isTranscribed(source: SourceInfo, { request, hasTranscript }: StoredRequest): boolean {
  if (source.type !== 'video' || request.source.type !== 'video') return false;
  if (hasTranscript) return true;
  return request.source.subtitles !== undefined || source.tracks.some(({ type }) => type === 'subtitles');
}

/** Tokens of slide text or transcript that a caption prompt quotes. */
function quotedTokens(model: ModelPlan, source: SourceInfo, hasTranscript: boolean): Range<number> {
  const most = model.maxQuotedTokens;
  const isLikely = source.type === 'deck' || hasTranscript;
  return { low: 0, expected: isLikely ? most / 2 : 0, high: source.type === 'images' ? 0 : most };
}

/**
 * From the samples of the latest day. The share of distinct captions is from samples of the same type of
 * source only.
 */
function generationLengthOf(
  samples: readonly UsageSample[],
  { tokens, typical }: ModelProfile,
  type: UsageSample['source'],
): TypicalLengths {
  const sameType = samples.filter(({ source }) => source === type);
  const average = (of: (sample: UsageSample) => number, over: readonly UsageSample[]): number | undefined => {
    const images = over.reduce((sum, sample) => sum + sample.images, 0);
    return images === 0 ? undefined : over.reduce((sum, sample) => sum + of(sample), 0) / images;
  };
  return {
    caption:
      average((sample) => sample.captionTokens, samples) ??
      typical?.caption ??
      tokens.caption_per_image * DEFAULT_CAPTION_SHARE,
    distinct: average((sample) => sample.distinct, sameType) ?? DEFAULT_DISTINCT_SHARE[type],
    title: typical?.title ?? DEFAULT_TITLE_TOKENS,
  };
}

/** Factor from the sampled spans to the whole source, within the frame limit of the job. */
function growthOf(
  { maxFrames, sampledSpans, totalSpans }: EstimateCostsInput,
  frames: number,
): Range<number> {
  const all = (frames * totalSpans) / Math.max(1, sampledSpans);
  const factor = Math.min(all, maxFrames ?? all) / Math.max(1, frames);
  const margin = sampledSpans < totalSpans ? UNSAMPLED_MARGIN : 0;
  return { expected: factor, low: factor * (1 - margin), high: factor * (1 + margin) };
}

function scaledRange(value: number, growth: Range<number>): Range<number> {
  return {
    expected: Math.round(value * growth.expected),
    low: Math.floor(value * growth.low),
    high: Math.ceil(value * growth.high),
  };
}

type Range<T> = Record<'expected' | 'low' | 'high', T>;

function rangeOf<T>(of: (which: keyof Range<T>) => T): Range<T> {
  return { expected: of('expected'), low: of('low'), high: of('high') };
}

function estimateOf(
  { prices, model, sampledSpans, totalSpans }: EstimateCostsInput,
  tokens: Range<TokenCounts>,
  samples: readonly UsageSample[],
  counts: Pick<EstimateAmounts, 'segments' | 'frames'>,
): EstimateAmounts {
  const seconds = gpuSecondsOf(tokens, samples);
  return {
    ...counts,
    input_tokens: rangeOf((which) => tokens[which].input),
    output_tokens: rangeOf((which) => tokens[which].output),
    gpu_seconds: seconds ?? null,
    cost: rangeOf(
      (which) =>
        priceUsage(prices, {
          inputTokens: tokens[which].input,
          outputTokens: tokens[which].output,
          gpuSeconds: seconds?.[which] ?? 0,
        }).cost,
    ),
    currency: prices?.currency ?? null,
    assumptions: [
      ...(samples.length > 0
        ? []
        : [
            `No job of ${model.name} has ended within a week: outputs are assumed to have the usual length, and GPU seconds are unknown.`,
          ]),
      ...(sampledSpans < totalSpans
        ? [`Only ${sampledSpans} of ${totalSpans} spans of the source were sampled.`]
        : []),
      ...(model.maxQuotedTokens > 0
        ? ['Speech and slide text were not read. The range allows for them.']
        : []),
    ],
  };
}

/**
 * From the samples of the latest day: their average, their fastest and their slowest. Undefined without
 * samples.
 */
function gpuSecondsOf(
  tokens: Range<TokenCounts>,
  samples: readonly UsageSample[],
): Range<number> | undefined {
  const steps = (input: number, output: number): number => input / PROMPT_TOKENS_PER_STEP + output;
  const paces = samples.map(
    (sample) => sample.gpuSeconds / Math.max(1, steps(sample.inputTokens, sample.outputTokens)),
  );
  if (paces.length === 0) return undefined;
  const average = paces.reduce((sum, pace) => sum + pace, 0) / paces.length;
  const at = ({ input, output }: TokenCounts, pace: number): number =>
    Math.round(steps(input, output) * pace * 1000) / 1000;
  return {
    expected: at(tokens.expected, average),
    low: at(tokens.low, Math.min(...paces)),
    high: at(tokens.high, Math.max(...paces)),
  };
}
