/** From planned segments to captions, one model call per segment. */
import { isCancellation } from '@temporalio/workflow';
import { jobError } from '../core/errors.ts';
import type { JobError, Progress } from '../schema/job.ts';
import { chargedOf, type Prices } from '../schema/money.ts';
import type { SegmentOutcome } from '../schema/shards.ts';
import type { DescribedState, JobRef, PlanOutput } from '../schema/stages.ts';
import { local } from './activities.ts';
import { sweep } from './bounded.ts';
import type { Budget } from './budget.ts';
import { isLong } from './chain.ts';
import type { Journal } from './event-log.ts';
import { attemptsOf, errorOf, failed } from './failures.ts';
import { preparePictures } from './preprocess.ts';
import { describeSegment, placeOf } from './repair.ts';

const OVER_BUDGET = 'The job has no room below max_cost for another segment.';

/** Segments under way at once: enough to keep several GPU workers busy, few enough to be cancelled quickly. */
const DESCRIBE_AT_ONCE = 16;

/**
 * Describes the segments from `state.next` on, until all are done or the history is long. A segment that cannot be described is
 * a gap in the result, not the end of the job, unless nothing else is left.
 */
export async function describe(
  { segments: total, frames }: PlanOutput,
  ref: JobRef,
  state: DescribedState | undefined,
  journal: Journal,
  { budget, prices }: { readonly budget?: Budget | undefined; readonly prices?: Prices | undefined },
): Promise<DescribedState> {
  const counts = { total, done: state?.done ?? 0, failed: state?.failed ?? 0 };
  const startedAtMs = state?.startedAtMs ?? Date.now();
  const from = state?.next ?? 0;
  let firstError = state?.error;
  if (state === undefined) {
    journal.emit(
      { type: 'plan.ready', segments: total, frames },
      { stage: 'describe', percent: 30, segments: { ...counts } },
    );
  }
  const pictures = preparePictures(ref, from, total);
  const next = await sweep({
    from,
    total,
    limit: DESCRIBE_AT_ONCE,
    isEnough: isLong,
    work: one,
    keep: (shard, entries) => local.storeShard({ ...ref, kind: 'described', shard, entries }),
  });
  await pictures.settled();
  if (next === total && counts.done === 0)
    throw failed(firstError ?? jobError('no_frames', 'No segment of the source could be described.'));
  const why = firstError === undefined ? {} : { error: firstError };
  return { next, done: counts.done, failed: counts.failed, startedAtMs, ...why };

  async function one(index: number): Promise<SegmentOutcome> {
    if (budget && !(await budget.admit())) return gap(index, jobError('budget', OVER_BUDGET), 0);
    let gpuSeconds = 0;
    try {
      const lost = await pictures.ready(index);
      if (lost) return gap(index, jobError(lost.reason, lost.message), lost.attempts);
      const { generation, distinctCaptions, firstCaptionHash, lastCaptionHash, ...cost } =
        await describeSegment({
          ...ref,
          ...placeOf(index),
        });
      counts.done += 1;
      gpuSeconds = cost.gpuSeconds;
      journal.charge(chargedOf(cost), prices);
      journal.emit(
        { type: 'segment.completed', segment: { index, generation, cached: cost.cached } },
        describing(),
      );
      const marks =
        firstCaptionHash === undefined || lastCaptionHash === undefined
          ? {}
          : { firstCaptionHash, lastCaptionHash };
      return { index, generation, distinctCaptions, ...marks, cost };
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
    journal.emit({ type: 'segment.failed', segment: { index }, error }, describing());
    return { index, reason: error.code, attempts };
  }

  function describing(): Partial<Progress> {
    const share = (counts.done + counts.failed) / counts.total;
    const left = ((Date.now() - startedAtMs) / 1000) * (1 / share - 1);
    return { segments: { ...counts }, percent: 30 + 55 * share, eta_seconds: Math.round(left) };
  }
}
