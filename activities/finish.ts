/** Stitches the pieces of a job and publishes its result and its ledger. */

import { FrameloomError } from '../core/errors.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { Ledger } from '../schema/job.ts';
import { chargedOf, costOf, plus, roundMoney } from '../schema/money.ts';
import type { ResultSlide } from '../schema/result.ts';
import type { PlanShard, SegmentOutcome } from '../schema/shards.ts';
import type { Cue, Frame } from '../schema/source.ts';
import type { FinishInput } from '../schema/stages.ts';
import { usageView } from '../schema/usage.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { jobArtifact } from '../store/names.ts';
import { type SegmentPiece, stitch } from '../summary/stitch.ts';
import {
  extractionsOf,
  type GenerationArtifact,
  getJson,
  type MergeResults,
  putJson,
  readGeneration,
  readJobFrames,
  readMergeResults,
  readShards,
  recordUsageSample,
  type SlideGap,
  withHeartbeat,
} from './lib/index.ts';
import type { ShownSlides } from './match-slides.ts';

/** In place of a summary or a title that is missing. */
const EMPTY_GENERATION: GenerationArtifact = {
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
      const lost: SlideGap[] = [];
      const { frames } = await readJobFrames(store, extractions, input.maxFrames, (extraction) => {
        slides.push(...extraction.slides);
        lost.push(...extraction.gaps);
      });
      const shown =
        input.slideMatches === undefined ? undefined : await getJson<ShownSlides>(store, input.slideMatches);
      const words = input.transcript && (await getJson<readonly Cue[]>(store, input.transcript.artifact));
      const { pieces, outcomes, missing } = await readSegments(input);
      const merges = await readMergeResults(store, input, input.levels, input.allowMissing);
      const summary = (await readGeneration(store, input.summary, input.allowMissing)) ?? EMPTY_GENERATION;
      const title = (await readGeneration(store, input.title, input.allowMissing)) ?? EMPTY_GENERATION;
      const result = stitch({
        jobId: input.jobId,
        source: input.source,
        ...(input.range ? { range: input.range } : {}),
        frames: shown ? frames.map((frame, index) => withSlide(frame, shown.frames[index])) : frames,
        segments: pieces,
        lost,
        ...(words && input.transcript ? { words: { cues: words, from: input.transcript.from } } : {}),
        sections: merges.sections,
        title: title.lines[0] ?? '',
        summary: summary.lines.join(' '),
        written: summary.text,
        finishReasons: [summary.finishReason, ...merges.finishReasons],
        ...(input.source.type === 'deck' ? { slides } : shown ? { slides: shown.slides } : {}),
        reduceUsage: {
          input_tokens: merges.usage.inputTokens + title.usage.inputTokens,
          output_tokens: merges.usage.outputTokens + title.usage.outputTokens,
        },
        model: { name: input.model.name, revision: input.model.revision },
        evidence: input.model.evidence,
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

  /** What became of each segment of the plan. */
  async function readSegments(input: FinishInput): Promise<{
    readonly pieces: readonly SegmentPiece[];
    readonly outcomes: readonly SegmentOutcome[];
    /** Segments that were described, and whose captions are missing. */
    readonly missing: number;
  }> {
    const outcomes: SegmentOutcome[] = [];
    for await (const shard of readShards<readonly SegmentOutcome[]>(
      store,
      input,
      'described',
      input.segments,
    ))
      outcomes.push(...shard);
    const pieces: SegmentPiece[] = [];
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
          pieces.push({ ...place, reason: 'source_missing', attempts: outcome.cost.attempts });
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
      throw new FrameloomError('source_missing', 'The captions of all segments are gone.');
    return { pieces, outcomes, missing };
  }
}

function withSlide(frame: Frame, slide: number | null | undefined): Frame {
  return typeof slide === 'number' ? { ...frame, slide } : frame;
}

function ledgerOf(input: FinishInput, outcomes: readonly SegmentOutcome[], merges: MergeResults): Ledger {
  const { prices } = input;
  const costs = outcomes.flatMap((outcome) =>
    'cost' in outcome ? [{ index: outcome.index, cost: outcome.cost }] : [],
  );
  const segments = costs.map(({ index, cost }) => {
    const charged = chargedOf(cost);
    return {
      index,
      attempts: cost.attempts,
      cached: cost.cached,
      gpu_seconds: round(cost.gpuSeconds),
      vision_calls: cost.visionCalls,
      rows: round(cost.rows),
      input_tokens: charged.inputTokens,
      output_tokens: charged.outputTokens,
      cost: costOf(prices, charged),
    };
  });
  const merging = mergingOf(input, merges);
  const all = [...segments, merging];
  const sum = (of: (entry: (typeof all)[number]) => number): number =>
    all.reduce((total, entry) => total + of(entry), 0);
  return {
    gpu_seconds: round(sum((entry) => entry.gpu_seconds)),
    runtime: costs[0]?.cost.runtime ?? 'none',
    wall_seconds: round((Date.now() - Date.parse(input.startedAt)) / 1000),
    segments,
    merging,
    input_tokens: sum((entry) => entry.input_tokens),
    output_tokens: sum((entry) => entry.output_tokens),
    cost: roundMoney(sum((entry) => entry.cost)),
    currency: prices?.currency ?? null,
  };
}

/** Sections, levels above and titles together. */
function mergingOf(
  { prices, titleCharged, titleGpuSeconds }: FinishInput,
  merges: MergeResults,
): Ledger['merging'] {
  const title = titleCharged ?? { inputTokens: 0, outputTokens: 0, gpuSeconds: 0 };
  const { inputTokens, outputTokens, gpuSeconds } = plus(merges.charged, title);
  return usageView({
    inputTokens,
    outputTokens,
    // Of a job that was under way when these were not told yet, the sum it has.
    gpuSeconds: titleCharged ? gpuSeconds : round(merges.gpuSeconds + titleGpuSeconds),
    cost: roundMoney(merges.cost + costOf(prices, title)),
    videoSeconds: 0,
    ...(prices ? { currency: prices.currency } : {}),
  });
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
