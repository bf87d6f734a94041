/**
 * Usage samples: the tokens and times of recent jobs of a model, for estimates. A day has a fixed number of
 * slots, and the first job of a slot stores its sample, so the number of samples does not depend on the
 * number of jobs.
 */
import type { Ledger } from '../../schema/job.ts';
import type { SourceInfo } from '../../schema/source.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { usageSampleName, usageSamplePrefix } from '../../store/names.ts';
import type { StitchSegment } from '../../summary/stitch-input.ts';
import { findJson, putJson } from './artifacts.ts';

export interface UsageSample {
  readonly source: SourceInfo['type'];
  /** Images of segments that were generated, not found. */
  readonly images: number;
  readonly captionTokens: number;
  /** Captions that differ from the one before. */
  readonly distinct: number;
  /** Totals of the job. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly gpuSeconds: number;
}

/** Most samples of a day. */
const SAMPLES_PER_DAY = 16;
/** Number of days that are searched for samples. */
const MAX_AGE_DAYS = 7;
const DAY_MS = 86_400_000;

/** Stores the sample of a job that generated at least one segment. */
export async function recordUsageSample(
  store: ArtifactStore,
  job: {
    readonly jobId: string;
    readonly source: SourceInfo['type'];
    readonly model: string;
    readonly now: number;
  },
  pieces: readonly StitchSegment[],
  ledger: Ledger,
): Promise<void> {
  const made = new Set(
    ledger.segments.flatMap(({ output_tokens, index }) => (output_tokens > 0 ? [index] : [])),
  );
  let [images, captionTokens, distinct] = [0, 0, 0];
  for (const piece of pieces) {
    if ('reason' in piece || !made.has(piece.index)) continue;
    images += piece.captions.length;
    captionTokens += piece.usage.output_tokens;
    distinct += piece.captions.filter(
      (line, index) => line !== '' && line !== piece.captions[index - 1],
    ).length;
  }
  if (images === 0) return;
  const slot = Number.parseInt(job.jobId.slice(-2), 36) % SAMPLES_PER_DAY;
  const rate: UsageSample = {
    source: job.source,
    images,
    captionTokens,
    distinct,
    inputTokens: ledger.input_tokens,
    outputTokens: ledger.output_tokens,
    gpuSeconds: ledger.gpu_seconds,
  };
  await putJson(store, usageSampleName(job.model, dayOf(job.now), slot), rate);
}

/** Returns the samples of the latest day of the last week that has any. */
export async function readUsageSamples(
  store: ArtifactStore,
  model: string,
  now: number,
): Promise<readonly UsageSample[]> {
  for (let back = 0; back < MAX_AGE_DAYS; back += 1) {
    const rates: UsageSample[] = [];
    for await (const name of store.list(usageSamplePrefix(model, dayOf(now - back * DAY_MS)))) {
      const rate = await findJson<UsageSample>(store, name);
      if (rate) rates.push(rate);
    }
    if (rates.length > 0) return rates;
  }
  return [];
}

function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}
