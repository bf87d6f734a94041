/** Reckons what a job takes from the pictures that were picked for it, and from what the model took lately. */
import type { EstimateActivities, EstimateAmounts, EstimateCostsInput } from '../schema/estimate.ts';
import type { ModelProfile } from '../schema/model-profile.ts';
import type { SummaryRequest } from '../schema/request.ts';
import type { SourceInfo } from '../schema/source.ts';
import type { TranscriptRef } from '../schema/stages.ts';
import { priceUsage } from '../schema/usage-cost.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { type AnswerLength, estimateTokens, type SegmentPictures, type Tokens } from '../summary/estimate.ts';
import { planSegments } from '../summary/plan.ts';
import {
  extractionsOf,
  readJobFrames,
  readRequest,
  readUsageSamples,
  type UsageSample,
  withHeartbeat,
} from './lib/index.ts';
import { frameTokens, segmentBudget } from './plan.ts';

/** Of the limit, where nothing is known of the captions of a model. */
const DEFAULT_CAPTION_SHARE = 0.6;
/** Captions that do not repeat the one before: a shot is often shown by several pictures. */
const DEFAULT_DISTINCT_SHARE = { video: 0.75, deck: 0.95, images: 0.95 } as const;
const DEFAULT_TITLE_TOKENS = 8;
/** How many tokens of a prompt take as long as one of an answer: prompts are read many tokens at once. */
const PROMPT_TOKENS_PER_STEP = 10;
/** What looking at a part of the source only adds to the range, either way. */
const UNSAMPLED_MARGIN = 0.3;

export interface EstimateDeps {
  readonly store: ArtifactStore;
  readonly profile: ModelProfile;
}

export function createEstimateCosts({ store, profile }: EstimateDeps): EstimateActivities['estimateCosts'] {
  return (input) =>
    withHeartbeat(async () => {
      const { model, sampledSpans, totalSpans, source } = input;
      const request = await readRequest(store, input.jobId);
      const { frames } = await readJobFrames(
        store,
        await extractionsOf(store, input, input.extractions),
        input.maxFrames,
      );
      const { chunk_duration: chunk, start_time = 0 } = request;
      const costs = frames.map((frame) => ({ ...frame, imageTokens: frameTokens(frame, model) }));
      const hasTranscript = isTranscribed(source, request);
      const transcript: TranscriptRef | undefined = hasTranscript
        ? { artifact: '', from: 'track' }
        : undefined;
      const planned = planSegments(
        costs,
        segmentBudget({ model, source, request, ...(transcript ? { transcript } : {}) }),
        chunk === undefined ? undefined : { origin: start_time, seconds: chunk },
      );
      const quoted = quotedTokens(input, hasTranscript);
      const segmentsWith = (share: number): readonly SegmentPictures[] =>
        planned.map(({ first, last }) => {
          const own = costs.slice(first, last).filter(({ placeholder }) => !placeholder);
          return {
            pictures: own.length,
            imageTokens: own.reduce((sum, frame) => sum + frame.imageTokens, 0),
            words: share,
          };
        });
      const rates = await readUsageSamples(store, model.revision, Date.now());
      const length = generationLengthOf(rates, profile, source.type);
      const own = {
        caption: (request.prompt?.length ?? 0) + (request.caption_prompt?.length ?? 0),
        merge: (request.prompt?.length ?? 0) + (request.summary_prompt?.length ?? 0),
      };
      const longest = request.max_tokens ?? model.tokens.summary;
      const reckon = (share: number, answers: AnswerLength): Tokens =>
        estimateTokens(segmentsWith(share), model, longest, own, answers);
      const grown = extrapolationOf(input, frames.length, sampledSpans, totalSpans);
      const unseen = sampledSpans < totalSpans ? UNSAMPLED_MARGIN : 0;
      const tokens = {
        expected: scaled(reckon(quoted.expected, length), grown),
        low: scaled(
          reckon(quoted.low, { ...length, caption: length.caption * 0.6, distinct: length.distinct * 0.6 }),
          grown * (1 - unseen),
        ),
        high: scaled(
          reckon(quoted.high, {
            caption: model.tokens.captionPerImage,
            distinct: 1,
            title: model.tokens.title,
          }),
          grown * (1 + unseen),
        ),
      };
      const spread = (value: number): { expected: number; low: number; high: number } => ({
        expected: Math.round(value * grown),
        low: Math.floor(value * grown * (1 - unseen)),
        high: Math.ceil(value * grown * (1 + unseen)),
      });
      return estimateOf(input, tokens, rates, {
        segments: spread(planned.length),
        pictures: spread(frames.filter(({ placeholder }) => !placeholder).length),
      });
    });
}

/** Whether subtitles come with the video, in the request or as a track. */
function isTranscribed(source: SourceInfo, request: SummaryRequest): boolean {
  if (source.type !== 'video' || request.source.type !== 'video') return false;
  return request.source.subtitles !== undefined || source.subtitles.length > 0;
}

/** Tokens of words that a caption prompt quotes. */
function quotedTokens(
  { model, source }: EstimateCostsInput,
  hasTranscript: boolean,
): Record<'expected' | 'low' | 'high', number> {
  const most = model.maxQuotedTokens;
  const likely = source.type === 'deck' || hasTranscript;
  return { low: 0, expected: likely ? most / 2 : 0, high: source.type === 'images' ? 0 : most };
}

/** By the jobs of the latest day; how often a caption repeats the one before depends on the kind of source. */
function generationLengthOf(
  rates: readonly UsageSample[],
  { tokens, typical }: ModelProfile,
  kind: UsageSample['source'],
): AnswerLength {
  const alike = rates.filter(({ source }) => source === kind);
  const average = (of: (rate: UsageSample) => number, over: readonly UsageSample[]): number | undefined => {
    const pictures = over.reduce((sum, rate) => sum + rate.pictures, 0);
    return pictures === 0 ? undefined : over.reduce((sum, rate) => sum + of(rate), 0) / pictures;
  };
  return {
    caption:
      average((rate) => rate.captionTokens, rates) ??
      typical?.caption ??
      tokens.caption_per_image * DEFAULT_CAPTION_SHARE,
    distinct: average((rate) => rate.distinct, alike) ?? DEFAULT_DISTINCT_SHARE[kind],
    title: typical?.title ?? DEFAULT_TITLE_TOKENS,
  };
}

/** How many times as much there is as was sampled, within the frames that the job may have. */
function extrapolationOf(
  { maxFrames }: EstimateCostsInput,
  frames: number,
  sampledSpans: number,
  spans: number,
): number {
  const all = (frames * spans) / Math.max(1, sampledSpans);
  return Math.min(all, maxFrames ?? all) / Math.max(1, frames);
}

function scaled({ input, output }: Tokens, by: number): Tokens {
  return { input: Math.round(input * by), output: Math.round(output * by) };
}

type Range<T> = Record<'expected' | 'low' | 'high', T>;

function estimateOf(
  { prices, model, sampledSpans, totalSpans }: EstimateCostsInput,
  tokens: Range<Tokens>,
  rates: readonly UsageSample[],
  counts: Pick<EstimateAmounts, 'segments' | 'pictures'>,
): EstimateAmounts {
  const seconds = gpuSecondsOf(tokens, rates);
  const each = <T>(of: (which: keyof Range<T>) => T): Range<T> => ({
    expected: of('expected'),
    low: of('low'),
    high: of('high'),
  });
  return {
    ...counts,
    input_tokens: each((which) => tokens[which].input),
    output_tokens: each((which) => tokens[which].output),
    gpu_seconds: seconds ?? null,
    cost: each(
      (which) =>
        priceUsage(prices, {
          inputTokens: tokens[which].input,
          outputTokens: tokens[which].output,
          gpuSeconds: seconds?.[which] ?? 0,
        }).cost,
    ),
    currency: prices?.currency ?? null,
    assumptions: [
      ...(rates.length > 0
        ? []
        : [
            `No job of ${model.name} has ended within a week: its answers are taken to be of usual length, and GPU seconds are not known.`,
          ]),
      ...(sampledSpans < totalSpans
        ? [`${sampledSpans} of ${totalSpans} parts of the source were sampledSpans at.`]
        : []),
      ...(model.maxQuotedTokens > 0
        ? ['Words spoken or on slides were not read; the range allows for them.']
        : []),
    ],
  };
}

/** By the jobs of the latest day: their average, and the fastest and the slowest of them. */
function gpuSecondsOf(tokens: Range<Tokens>, rates: readonly UsageSample[]): Range<number> | undefined {
  const steps = (input: number, output: number): number => input / PROMPT_TOKENS_PER_STEP + output;
  const paces = rates.map(
    (rate) => rate.gpuSeconds / Math.max(1, steps(rate.inputTokens, rate.outputTokens)),
  );
  if (paces.length === 0) return undefined;
  const average = paces.reduce((sum, pace) => sum + pace, 0) / paces.length;
  const at = ({ input, output }: Tokens, pace: number): number =>
    Math.round(steps(input, output) * pace * 1000) / 1000;
  return {
    expected: at(tokens.expected, average),
    low: at(tokens.low, Math.min(...paces)),
    high: at(tokens.high, Math.max(...paces)),
  };
}
