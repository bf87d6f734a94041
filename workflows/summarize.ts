/**
 * One job: ingest → extract → plan → describe → reduce → finish. The workflow decides order, fan-out and
 * retries; activities do the work, and their outputs are artifacts. A long job is a chain of runs, each of
 * which continues from the state of the previous one (docs/workflow.md).
 */
import { CancellationScope, ContinueAsNew, isCancellation } from '@temporalio/workflow';
import { jobError } from '../core/errors.ts';
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';
import type { SourceInfo } from '../schema/source.ts';
import type {
  DescribedState,
  ExtractedState,
  ExtractSpan,
  FinishOutput,
  IngestOutput,
  JobRef,
  JobState,
  MergedState,
  PlanOutput,
  SummarizeInput,
  TranscriptRef,
} from '../schema/stages.ts';
import { planSpans, videoRange } from '../summary/plan.ts';
import { cpu, finishOf, source as sourceActivities } from './activities.ts';
import { both } from './bounded.ts';
import { openBudget } from './budget.ts';
import { continueInNextRun, refOf } from './chain.ts';
import { describe } from './describe.ts';
import { type EventLog, openEventLog } from './event-log.ts';
import { extract } from './extract.ts';
import { errorOf, failed } from './failures.ts';
import { isFullyMerged, type MergeJob, mergeLevel } from './reduce.ts';
import { openRepair, type Repair } from './repair.ts';

export async function summarize(input: SummarizeInput): Promise<void> {
  const ref = refOf(input);
  const log = openEventLog(ref, input.state);
  const startedAt = input.state?.startedAt ?? new Date().toISOString();
  if (input.state === undefined) log.updateMemo({ startedAt, run: ref.run });
  announceCancel(log);
  try {
    const { output, gaps } = await runStages({ input, ref, log, startedAt });
    await log.close(
      { status: gaps > 0 ? 'completed_with_gaps' : 'completed', ...output },
      { type: 'job.completed', gaps },
      { stage: 'done', percent: 100, eta_seconds: 0 },
    );
  } catch (failure) {
    if (failure instanceof ContinueAsNew) throw failure;
    await closeFailed(failure, log);
    throw isCancellation(failure) ? failure : failed(errorOf(failure));
  }
}

interface JobRun {
  readonly input: SummarizeInput;
  readonly ref: JobRef;
  readonly log: EventLog;
  readonly startedAt: string;
}

/** The results of the stages so far; the next run starts with them. */
type StageState = Omit<JobState, 'startedAt' | 'nextEvent' | 'progress' | 'usage'>;

/**
 * Runs the stages that `input.state` lacks. If the history is long after a stage, the next run
 * continues.
 */
async function runStages(run: JobRun): Promise<{ readonly output: FinishOutput; readonly gaps: number }> {
  const { input, ref, log, startedAt } = run;
  let state: StageState = input.state ?? {};
  const continueLater = async (): Promise<never> =>
    continueInNextRun(input, { ...state, startedAt, ...(await log.flush()) });

  const ingested = state.ingested ?? (await ingest(run));
  state = { ...state, ingested };

  const spans = planSpans(ingested.source, ingested.options, ingested.slides.flatMap(numbersIn));
  const { extracted, transcript } = await extractStage(run, ingested, spans, state);
  state = { ...state, extracted, ...(transcript ? { transcript } : {}) };
  if (extracted.next < spans.length) await continueLater();
  if (extracted.kept === 0)
    throw failed(jobError('no_frames', 'The requested range of the source has no frame.'));

  const frames = frameSource(ref, ingested, spans);
  const { planned, slideMatches } = await planStage(frames, ingested, state);
  state = { ...state, planned, ...(slideMatches === undefined ? {} : { slideMatches }) };

  const described = await describeStage(run, ingested, planned, state.described);
  state = { ...state, described };
  if (described.next < planned.segments) await continueLater();

  const merge = mergeJob(run, ingested, planned);
  let merged: MergedState | undefined = state.merged;
  while (merged === undefined || !isFullyMerged(merged)) {
    merged = await mergeLevel(merge, merged);
    state = { ...state, merged };
    if (merged.next < (merged.levels.at(-1) ?? 0)) await continueLater();
  }
  log.emit({ type: 'reduce.completed' }, { stage: 'finish', percent: 97 });

  const { missingSegments = 0, ...output } = await finishStage(run, merge.repair, frames, {
    ...state,
    ingested,
    planned,
    merged,
  });
  const textGaps = state.transcript?.gaps?.length ?? 0;
  return { output, gaps: extracted.gaps + described.failed + missingSegments + textGaps };
}

/** Finds the source, and rejects a cost limit if the server cannot enforce it. */
async function ingest({ input: { jobId }, log }: JobRun): Promise<IngestOutput> {
  log.emit({ type: 'job.started' }, { stage: 'ingest', percent: 1 });
  const ingested = await sourceActivities.ingest({ jobId });
  const { options, prices, source } = ingested;
  if (options.max_cost !== undefined && !prices)
    throw failed(jobError('prices_missing', 'This server has no prices.'));
  if (source.type === 'video') {
    const range = videoRange(source, options);
    log.setVideoSeconds(Math.round((range.end - range.start) * 1000) / 1000);
  }
  log.emit({ type: 'source.ready', source: outlineOf(source) }, { stage: 'extract', percent: 5 });
  return ingested;
}

/** Extracts frames and reads the transcript at the same time. */
async function extractStage(
  { input, ref, log }: JobRun,
  ingested: IngestOutput,
  spans: readonly ExtractSpan[],
  state: StageState,
): Promise<{ readonly extracted: ExtractedState; readonly transcript: TranscriptRef | undefined }> {
  const { extracted: before, transcript: known } = state;
  if (before && before.next >= spans.length) return { extracted: before, transcript: known };
  const [extracted, transcript] = await both(
    () => extract(spans, ingested, ref, before, log),
    async () => known ?? (await readTranscript(input, ingested)),
  );
  return { extracted, transcript };
}

/** The transcript of a video, if it has one. */
async function readTranscript(
  { jobId }: SummarizeInput,
  { source, artifact, options }: IngestOutput,
): Promise<TranscriptRef | undefined> {
  if (source.type !== 'video') return undefined;
  const range = videoRange(source, options);
  const { transcript } = await sourceActivities.readTranscript({ jobId, source, artifact, range });
  return transcript;
}

/** References to the frames of the job, for activities. */
type FrameSource = JobRef & { readonly extractions: number; readonly maxFrames?: number };

function frameSource(
  ref: JobRef,
  { source, options }: IngestOutput,
  spans: readonly ExtractSpan[],
): FrameSource {
  return {
    ...ref,
    extractions: Math.ceil(spans.length / ENTRIES_PER_SHARD),
    ...(source.type === 'video' ? { maxFrames: options.sampling.max_frames } : {}),
  };
}

/** Plans the segments, and matches a video with its deck at the same time. */
async function planStage(
  frames: FrameSource,
  ingested: IngestOutput,
  { planned: known, slideMatches: matches, transcript }: StageState,
): Promise<{ readonly planned: PlanOutput; readonly slideMatches: string | undefined }> {
  if (known !== undefined) return { planned: known, slideMatches: matches };
  const { source, model } = ingested;
  const [planned, slideMatches] = await both(
    () => cpu.plan({ ...frames, ...(transcript ? { transcript } : {}), source, model }),
    () => matchSlides(frames, ingested),
  );
  return { planned, slideMatches };
}

/** The artifact with the slides that a video displays, if it has a deck. */
async function matchSlides(
  frames: FrameSource,
  { source, deck, options }: IngestOutput,
): Promise<string | undefined> {
  if (source.type !== 'video' || !deck) return undefined;
  const { slideMatches } = await cpu.matchSlides({ ...frames, deck, end: videoRange(source, options).end });
  return slideMatches;
}

async function describeStage(
  { ref, log }: JobRun,
  { options, model, prices }: IngestOutput,
  planned: PlanOutput,
  before: DescribedState | undefined,
): Promise<DescribedState> {
  if (before !== undefined && before.next >= planned.segments) return before;
  const budget = openBudget(options, model, prices, planned, log, before);
  return describe(planned, ref, before, log, { budget, prices });
}

function mergeJob(
  { ref, log }: JobRun,
  { options, model, prices }: IngestOutput,
  { segments }: PlanOutput,
): MergeJob {
  const repair = openRepair(ref, { segments, maxTokens: options.max_tokens ?? model.tokens.summary });
  return { ref, segments, options, model, prices, log, repair };
}

/** Publishes result and ledger. */
function finishStage(
  { startedAt }: JobRun,
  repair: Repair,
  frames: FrameSource,
  state: StageState & Required<Pick<StageState, 'ingested' | 'planned' | 'merged'>>,
): Promise<FinishOutput> {
  const { ingested, planned, merged, transcript, slideMatches } = state;
  const { source, model, prices, options } = ingested;
  const { segments } = planned;
  const { levels, text: summary = '', jobTitle: title = '' } = merged;
  return repair.run(levels, ({ allowMissing }) =>
    finishOf(segments).finish({
      ...frames,
      ...(transcript ? { transcript } : {}),
      source,
      ...(source.type === 'video' ? { range: videoRange(source, options) } : {}),
      ...(slideMatches === undefined ? {} : { slideMatches }),
      segments,
      levels,
      summary,
      title,
      ...(prices ? { prices } : {}),
      startedAt,
      model,
      ...(allowMissing ? { allowMissing } : {}),
    }),
  );
}

/** Writes the end of a cancelled or failed job to its log and memo. */
function closeFailed(failure: unknown, log: EventLog): Promise<void> {
  if (isCancellation(failure)) return log.close({ status: 'cancelled' }, { type: 'job.cancelled' });
  const error = errorOf(failure);
  return log.close({ status: 'failed', error }, { type: 'job.failed', error });
}

/** Logs that a cancel request has arrived, while the activities are still ending. */
function announceCancel(log: EventLog): void {
  CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(async () => log.emit({ type: 'job.cancelling' })),
  );
}

function outlineOf(source: SourceInfo): { type: string; duration?: number; pages?: number } {
  return source.type === 'video'
    ? { type: source.type, duration: source.duration }
    : { type: source.type, pages: source.pages };
}

/** The numbers from `first` to `last`, both included. */
export function numbersIn([first, last]: readonly [number, number]): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
