/** Stitches the segments of a job, and stores its result and its ledger. */

import { FrameloomError } from '../core/errors.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { Ledger } from '../schema/job.ts';
import type { ResultSlide } from '../schema/result.ts';
import type { PlanShard, SegmentOutcome } from '../schema/shards.ts';
import type { Cue, Frame } from '../schema/source.ts';
import type { FinishInput } from '../schema/stages.ts';
import { toUsage } from '../schema/usage.ts';
import { generationUsage, sumUsage, type UsageCost } from '../schema/usage-cost.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { jobArtifact } from '../store/names.ts';
import { stitch } from '../summary/stitch.ts';
import type { StitchSegment } from '../summary/stitch-input.ts';
import {
  attachTexts,
  extractionsOf,
  GENERATION_VERSION,
  type GenerationArtifact,
  getJson,
  type MergeResults,
  putJson,
  readEntryShards,
  readGeneration,
  readJobFrames,
  readMergeResults,
  readShards,
  recordUsageSample,
  type SlideGap,
  type TimeGap,
  withHeartbeat,
} from './lib/index.ts';
import type { SlideMatches } from './match-slides.ts';

/** Replaces a missing summary or title. */
const EMPTY_GENERATION: GenerationArtifact = {
  version: GENERATION_VERSION,
  kind: 'text',
  text: '',
  lines: [],
  finishReason: 'stop',
  usage: { imageTokens: 0, inputTokens: 0, outputTokens: 0 },
};

export function createFinish({ store }: { readonly store: ArtifactStore }): CpuActivities['finish'] {
  return (input) =>
    withHeartbeat(async () => {
      const extractions = await extractionsOf(store, input, input.extractions);
      const slides: ResultSlide[] = [];
      const slideGaps: SlideGap[] = [];
      const timeGaps: TimeGap[] = [];
      const { frames } = await readJobFrames(store, extractions, input.maxFrames, (extraction) => {
        slides.push(...extraction.slides);
        for (const gap of extraction.gaps) {
          if ('slide' in gap) slideGaps.push(gap);
          else timeGaps.push(gap);
        }
      });
      const shown =
        input.slideMatches === undefined ? undefined : await getJson<SlideMatches>(store, input.slideMatches);
      const words = input.transcript && (await getJson<readonly Cue[]>(store, input.transcript.artifact));
      const { pieces, outcomes, missing } = await readSegments(store, input);
      const merges = await readMergeResults(store, input, input.levels, input.allowMissing);
      const summary = (await readGeneration(store, input.summary, input.allowMissing)) ?? EMPTY_GENERATION;
      const title = (await readGeneration(store, input.title, input.allowMissing)) ?? EMPTY_GENERATION;
      const result = stitch({
        jobId: input.jobId,
        source: await attachTexts(store, input.jobId, input.source),
        ...(input.range ? { range: input.range } : {}),
        frames: shown ? frames.map((frame, index) => withSlide(frame, shown.frames[index])) : frames,
        segments: pieces,
        slideGaps,
        timeGaps,
        ...(words ? { transcript: { ...input.transcript, cues: words } } : {}),
        sections: merges.sections,
        title: title.lines[0] ?? '',
        summary: summary.lines.join(' '),
        uncheckedSummary: summary.text,
        finishReasons: [summary.finishReason, ...merges.finishReasons],
        ...(input.source.type === 'deck' ? { slides } : shown ? { slides: shown.slides } : {}),
        reduceUsage: {
          input_tokens: merges.usage.inputTokens,
          output_tokens: merges.usage.outputTokens,
        },
        model: { name: input.model.name, revision: input.model.revision },
        evidenceThreshold: input.model.evidence,
      });
      const stored = await putJson(store, jobArtifact(input.jobId, input.run, 'result.json'), result);
      const costs = ledgerOf(input, outcomes, merges);
      const ledger = await putJson(store, jobArtifact(input.jobId, input.run, 'ledger.json'), costs);
      const { jobId, source, model } = input;
      const of = { jobId, source: source.type, model: model.revision, now: Date.now() };
      await recordUsageSample(store, of, pieces, costs);
      return {
        result: { name: stored.name, sha256: stored.sha256 },
        ledger: ledger.name,
        ...(missing > 0 ? { missingSegments: missing } : {}),
      };
    });
}

/** Reads the outcome of each segment of the plan. */
async function readSegments(
  store: ArtifactStore,
  input: FinishInput,
): Promise<{
  readonly pieces: readonly StitchSegment[];
  readonly outcomes: readonly SegmentOutcome[];
  /** Segments that were described but whose captions are missing. */
  readonly missing: number;
}> {
  const outcomes: SegmentOutcome[] = [];
  for await (const shard of readEntryShards<SegmentOutcome>(store, input, 'described', input.segments))
    outcomes.push(...shard);
  const pieces: StitchSegment[] = [];
  let missing = 0;
  for await (const plan of readShards<PlanShard>(store, input, 'segments', input.segments)) {
    for (const { index, first, frames } of plan.segments) {
      const outcome = outcomes[index];
      const place = { index, first, last: first + frames.length };
      if (!outcome) throw new TypeError(`no outcome of segment ${index}`);
      if ('reason' in outcome) {
        pieces.push({ ...place, reason: outcome.reason, attempts: outcome.attempts });
        continue;
      }
      const found = await readGeneration(store, outcome.generation, input.allowMissing);
      if (found === undefined) {
        missing += 1;
        pieces.push({ ...place, reason: 'source_missing', attempts: outcome.stats.attempts });
        continue;
      }
      const { lines, finishReason, usage } = found;
      const { imageTokens, inputTokens, outputTokens } = usage;
      pieces.push({
        ...place,
        captions: lines,
        finishReason,
        usage: { image_tokens: imageTokens, input_tokens: inputTokens, output_tokens: outputTokens },
      });
    }
  }
  if (missing > 0 && !pieces.some((piece) => 'captions' in piece))
    throw new FrameloomError('source_missing', 'The captions of all segments are missing.');
  return { pieces, outcomes, missing };
}

function withSlide(frame: Frame, slide: number | null | undefined): Frame {
  return typeof slide === 'number' ? { ...frame, slide } : frame;
}

function ledgerOf(input: FinishInput, outcomes: readonly SegmentOutcome[], merges: MergeResults): Ledger {
  const { prices } = input;
  const described = outcomes.flatMap((outcome) =>
    'stats' in outcome ? [{ ...outcome, usage: generationUsage(prices, outcome.stats) }] : [],
  );
  const merging = merges.charged;
  const total: UsageCost = sumUsage([...described.map(({ usage }) => usage), merging]);
  return {
    gpu_seconds: round(
      described.reduce((sum, { stats }) => sum + round(stats.gpuSeconds), 0) + merging.gpuSeconds,
    ),
    runtime: described[0]?.stats.runtime ?? 'none',
    wall_seconds: round((Date.now() - Date.parse(input.startedAt)) / 1000),
    segments: described.map(({ index, stats, usage }) => ({
      index,
      attempts: stats.attempts,
      cached: stats.cached,
      gpu_seconds: round(stats.gpuSeconds),
      vision_calls: stats.visionCalls,
      rows: round(stats.rows),
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cost: usage.cost,
    })),
    merging: toUsage(prices ? { ...merging, currency: prices.currency } : merging),
    input_tokens: total.inputTokens,
    output_tokens: total.outputTokens,
    cost: total.cost,
    currency: prices?.currency ?? null,
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
