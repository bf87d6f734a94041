/** From planned segments to captions, one model call per segment. */
import { isCancellation } from '@temporalio/workflow';
import { jobError } from '../core/errors.ts';
import type { JobError, Progress } from '../schema/job.ts';
import { type SegmentOutcome, shardPosition } from '../schema/shards.ts';
import type { DescribedState, JobRef, PlanOutput } from '../schema/stages.ts';
import { generationUsage, type Prices } from '../schema/usage-cost.ts';
import { local } from './activities.ts';
import { sweep } from './bounded.ts';
import type { Budget } from './budget.ts';
import { isLong } from './chain.ts';
import type { EventLog } from './event-log.ts';
import { attemptsOf, errorOf, failed } from './failures.ts';
import { prepareImages } from './preprocess.ts';
import { describeSegment } from './repair.ts';

const OVER_BUDGET = 'Another segment could exceed max_cost.';

/** Segments in flight at once: enough for several GPU workers, few enough to be cancelled quickly. */
const MAX_CONCURRENT_SEGMENTS = 16;

/**
 * Describes the segments from `state.next`, until all are done or the history is long. A segment that cannot
 * be described becomes a gap in the result; the job fails only if no segment is described.
 */
export async function describe(
  { segments: total, frames }: PlanOutput,
  ref: JobRef,
  state: DescribedState | undefined,
  log: EventLog,
  { budget, prices }: { readonly budget?: Budget | undefined; readonly prices?: Prices | undefined },
): Promise<DescribedState> {
  const counts = { total, done: state?.done ?? 0, failed: state?.failed ?? 0 };
  const startedAtMs = state?.startedAtMs ?? Date.now();
  const from = state?.next ?? 0;
  let firstError = state?.error;
  if (state === undefined) {
    log.emit(
      { type: 'plan.ready', segments: total, frames },
      { stage: 'describe', percent: 30, segments: { ...counts } },
    );
  }
  const images = prepareImages(ref, from, total);
  const next = await sweep({
    from,
    total,
    limit: MAX_CONCURRENT_SEGMENTS,
    isEnough: isLong,
    work: describeOne,
    keep: (shard, entries) => local.storeShard({ ...ref, kind: 'described', shard, entries }),
  });
  await images.settled();
  if (next === total && counts.done === 0)
    throw failed(firstError ?? jobError('no_frames', 'No segment of the source could be described.'));
  const cause = firstError === undefined ? {} : { error: firstError };
  return { next, done: counts.done, failed: counts.failed, startedAtMs, ...cause };

  async function describeOne(index: number): Promise<SegmentOutcome> {
    if (budget && !(await budget.admit())) return gap(index, jobError('budget', OVER_BUDGET), 0);
    let gpuSeconds = 0;
    try {
      const failure = await images.ready(index);
      if (failure) return gap(index, jobError(failure.reason, failure.message), failure.attempts);
      const { generation, distinctCaptions, firstCaptionHash, lastCaptionHash, ...stats } =
        await describeSegment({
          ...ref,
          ...shardPosition(index),
        });
      counts.done += 1;
      gpuSeconds = stats.gpuSeconds;
      log.addUsage(generationUsage(prices, stats));
      log.emit(
        { type: 'segment.completed', segment: { index, generation, cached: stats.cached } },
        describing(),
      );
      const hashes =
        firstCaptionHash === undefined || lastCaptionHash === undefined
          ? {}
          : { firstCaptionHash, lastCaptionHash };
      return { index, generation, distinctCaptions, ...hashes, stats };
    } catch (failure) {
      if (isCancellation(failure)) throw failure;
      return gap(index, errorOf(failure), attemptsOf(failure));
    } finally {
      budget?.release(gpuSeconds);
    }
  }

  function gap(index: number, error: JobError, attempts: number): SegmentOutcome {
    firstError ??= error;
    counts.failed += 1;
    log.emit({ type: 'segment.failed', segment: { index }, error }, describing());
    return { index, reason: error.code, attempts };
  }

  function describing(): Partial<Progress> {
    const share = (counts.done + counts.failed) / counts.total;
    const left = ((Date.now() - startedAtMs) / 1000) * (1 / share - 1);
    return { segments: { ...counts }, percent: 30 + 55 * share, eta_seconds: Math.round(left) };
  }
}
