/**
 * One job: ingest → extract → plan → describe → reduce → finish. Orchestration only: what is done, in which order, how often; every
 * piece of work is an activity whose output is an artifact. A long job is a chain of runs, each going on where the one before
 * left off; docs/workflow.md has the arithmetic.
 */
import { CancellationScope, ContinueAsNew, isCancellation } from '@temporalio/workflow';
import { jobError } from '../core/errors.ts';
import type { JobId } from '../schema/ids.ts';
import { chargedOf } from '../schema/money.ts';
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';
import type { SourceInfo } from '../schema/source.ts';
import type {
  FinishOutput,
  IngestOutput,
  JobRef,
  JobState,
  ReduceOutput,
  SummarizeInput,
  TranscriptRef,
} from '../schema/stages.ts';
import { planSpans, videoRange } from '../summary/plan.ts';
import { cpu, finishing, gpu, source as sourceActivities } from './activities.ts';
import { both } from './bounded.ts';
import { openBudget } from './budget.ts';
import { handOver, refOf } from './chain.ts';
import { describe } from './describe.ts';
import { type Journal, openJournal } from './event-log.ts';
import { extract } from './extract.ts';
import { errorOf, failed } from './failures.ts';
import { isMerged, mergeLevel } from './reduce.ts';
import { openMender, type Try } from './repair.ts';

export async function summarize(input: SummarizeInput): Promise<void> {
  const ref = refOf(input);
  const journal = openJournal(ref, input.state);
  const startedAt = input.state?.startedAt ?? new Date().toISOString();
  if (input.state === undefined) journal.note({ startedAt, run: ref.run });
  announceCancel(journal);
  try {
    const { output, gaps } = await run({ input, ref, journal, startedAt });
    await journal.close(
      { status: gaps > 0 ? 'completed_with_gaps' : 'completed', ...output },
      { type: 'job.completed', gaps },
      { stage: 'done', percent: 100, eta_seconds: 0 },
    );
  } catch (failure) {
    if (failure instanceof ContinueAsNew) throw failure;
    await close(failure, journal);
    throw isCancellation(failure) ? failure : failed(errorOf(failure));
  }
}

interface Job {
  readonly input: SummarizeInput;
  readonly ref: JobRef;
  readonly journal: Journal;
  readonly startedAt: string;
}

/** The stages from where `input.state` stands. Each one hands over to the next run when the history has become long. */
async function run({ input, ref, journal, startedAt }: Job): Promise<{
  readonly output: FinishOutput;
  readonly gaps: number;
}> {
  let state: Omit<JobState, 'startedAt' | 'nextEvent' | 'progress'> = input.state ?? {};
  const rest = async (): Promise<never> =>
    handOver(input, { ...state, startedAt, ...(await journal.rest()) });

  const ingested = state.ingested ?? (await begin(input, journal));
  const { source, model, prices, options } = ingested;
  state = { ...state, ingested };

  const spans = planSpans(source, options, ingested.slides.flatMap(numbers));
  let extracted = state.extracted;
  if (extracted === undefined || extracted.next < spans.length) {
    const [found, transcript] = await both(
      () => extract(spans, ingested, ref, extracted, journal),
      async () => state.transcript ?? (await readTranscript(input.jobId, ingested)),
    );
    extracted = found;
    state = { ...state, extracted, ...(transcript ? { transcript } : {}) };
    if (extracted.next < spans.length) await rest();
  }
  if (extracted.kept === 0)
    throw failed(jobError('no_frames', 'The requested range of the source shows no picture.'));

  const maxFrames = source.type === 'video' ? options.sampling.max_frames : undefined;
  const common = {
    ...ref,
    extractions: Math.ceil(spans.length / ENTRIES_PER_SHARD),
    ...(maxFrames === undefined ? {} : { maxFrames }),
  };
  const transcript = state.transcript ? { transcript: state.transcript } : {};
  let { planned, slideMatches, described, merged } = state;
  if (planned === undefined) {
    [planned, slideMatches] = await both(
      () => cpu.plan({ ...common, ...transcript, source, model }),
      () => matchSlides(common, ingested),
    );
    state = { ...state, planned, ...(slideMatches === undefined ? {} : { slideMatches }) };
  }
  if (described === undefined || described.next < planned.segments) {
    const budget = openBudget(options, model, prices, planned, journal, described);
    described = await describe(planned, ref, described, journal, { budget, prices });
    state = { ...state, described };
    if (described.next < planned.segments) await rest();
  }
  const { segments } = planned;
  const mender = openMender(ref, { segments, maxTokens: options.max_tokens ?? model.tokens.summary });
  while (merged === undefined || !isMerged(merged)) {
    merged = await mergeLevel(segments, options, model, ref, merged, journal, mender, prices);
    state = { ...state, merged };
    if (merged.next < (merged.levels.at(-1) ?? 0)) await rest();
  }

  const { levels, text: summary = '' } = merged;
  const makeTitle = ({ lossy }: Try): Promise<ReduceOutput> =>
    gpu.reduce({
      kind: 'title',
      inputs: [summary],
      model,
      maxTokens: model.tokens.title,
      ...(lossy ? { allowMissing: true } : {}),
    });
  const title = await mender.mend(levels, makeTitle);
  const titleCharged = chargedOf(title);
  journal.charge(titleCharged, prices);
  journal.emit({ type: 'reduce.completed' }, { stage: 'finish', percent: 97 });
  const { missingSegments = 0, ...output } = await mender.mend(levels, async (attempt) => {
    // Its title is in no shard.
    if (attempt.again) await makeTitle(attempt);
    return finishing(segments).finish({
      ...common,
      ...transcript,
      source,
      ...(source.type === 'video' ? { range: videoRange(source, options) } : {}),
      ...(slideMatches === undefined ? {} : { slideMatches }),
      segments,
      levels,
      summary,
      title: title.generation,
      titleGpuSeconds: title.gpuSeconds,
      titleCharged,
      ...(prices ? { prices } : {}),
      startedAt,
      model,
      ...(attempt.lossy ? { allowMissing: true } : {}),
    });
  });
  return { output, gaps: extracted.gaps + described.failed + missingSegments };
}

/** Finds out what the source is. */
async function begin({ jobId }: SummarizeInput, journal: Journal): Promise<IngestOutput> {
  journal.emit({ type: 'job.started' }, { stage: 'ingest', percent: 1 });
  const ingested = await sourceActivities.ingest({ jobId });
  const { options } = ingested;
  if (options.max_cost !== undefined && !ingested.prices)
    throw failed(jobError('prices_missing', 'This server has no prices.'));
  if (ingested.source.type === 'video') {
    const range = videoRange(ingested.source, options);
    journal.took(Math.round((range.end - range.start) * 1000) / 1000);
  }
  const source = outline(ingested.source);
  journal.emit({ type: 'source.ready', source }, { stage: 'extract', percent: 5 });
  return ingested;
}

/** The words that go with a video, where it has any. */
async function readTranscript(
  jobId: JobId,
  { source, artifact, options }: IngestOutput,
): Promise<TranscriptRef | undefined> {
  if (source.type !== 'video') return undefined;
  const range = videoRange(source, options);
  const { transcript } = await sourceActivities.readTranscript({ jobId, source, artifact, range });
  return transcript;
}

/** Which slides of its deck a video shows, where it came with one. */
async function matchSlides(
  common: JobRef & { readonly extractions: number; readonly maxFrames?: number },
  { source, deck, options }: IngestOutput,
): Promise<string | undefined> {
  if (source.type !== 'video' || !deck) return undefined;
  const { slideMatches } = await cpu.matchSlides({ ...common, deck, end: videoRange(source, options).end });
  return slideMatches;
}

/** Puts the end of a job that was cancelled or failed into its log and memo. */
function close(failure: unknown, journal: Journal): Promise<void> {
  if (isCancellation(failure)) return journal.close({ status: 'cancelled' }, { type: 'job.cancelled' });
  const error = errorOf(failure);
  return journal.close({ status: 'failed', error }, { type: 'job.failed', error });
}

/** Says in the log that a cancel request has arrived, while the activities still come to their end. */
function announceCancel(journal: Journal): void {
  CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(async () => journal.emit({ type: 'job.cancelling' })),
  );
}

function outline(source: SourceInfo): { type: string; duration?: number; pages?: number } {
  return source.type === 'video'
    ? { type: source.type, duration: source.duration }
    : { type: source.type, pages: source.pages };
}

/** The numbers from `first` to `last`, both included. */
export function numbers([first, last]: readonly [number, number]): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
