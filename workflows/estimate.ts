/**
 * Estimates the cost of a job. The first stages run as in a job, up to the sampled frames; the cost of the
 * rest is estimated. The extractions are named by their inputs, so a later job finds them. Of a very long
 * source a sample of its spans is extracted.
 */
import { isCancellation, upsertMemo, workflowInfo } from '@temporalio/workflow';
import { jobError } from '../core/errors.ts';
import type { EstimateInput, EstimateMemo } from '../schema/estimate.ts';
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';
import { spreadIndexes } from '../summary/estimate.ts';
import { planSpans } from '../summary/plan.ts';
import { costs, source as sourceActivities } from './activities.ts';
import { extract } from './extract.ts';
import { errorOf, failed } from './failures.ts';
import { numbersIn } from './summarize.ts';

/** Maximum number of spans that are decoded: two hours of video at the default sampling. */
const MAX_SAMPLED_SPANS = 64;

export async function estimate(input: EstimateInput): Promise<void> {
  try {
    updateMemo({ estimate: await estimateAmounts(input) });
  } catch (failure) {
    const error = isCancellation(failure)
      ? jobError('unavailable', 'The estimate was cancelled.')
      : errorOf(failure);
    updateMemo({ error });
    throw failed(error);
  }
}

async function estimateAmounts({ jobId }: EstimateInput) {
  const ref = { jobId, run: workflowInfo().firstExecutionRunId };
  const ingested = await sourceActivities.ingest({ jobId });
  const { source, model, prices, slides, options } = ingested;
  const spans = planSpans(source, options, slides.flatMap(numbersIn));
  const chosen = spreadIndexes(spans.length, MAX_SAMPLED_SPANS).flatMap((index) => spans[index] ?? []);
  const { kept } = await extract(chosen, ingested, ref, undefined, { emit: () => undefined });
  if (kept === 0) throw failed(jobError('no_frames', 'The requested range of the source has no frame.'));
  return await costs.estimateCosts({
    ...ref,
    source,
    model,
    ...(prices ? { prices } : {}),
    extractions: Math.ceil(chosen.length / ENTRIES_PER_SHARD),
    ...(source.type === 'video' ? { maxFrames: options.sampling.max_frames } : {}),
    sampledSpans: chosen.length,
    totalSpans: spans.length,
  });
}

function updateMemo(memo: Partial<EstimateMemo>): void {
  upsertMemo({ ...memo });
}
