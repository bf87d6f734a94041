/**
 * One job: ingest → extract → describe → reduce → finish. Orchestration only: what is done, in which order, how often; every
 * piece of work is an activity whose output is an artifact.
 */
import { CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { SummaryRequest } from '../schema/request.ts';
import type { SourceInfo } from '../schema/source.ts';
import type { FinishOutput, IngestOutput, SpokenWords, SummarizeInput } from '../schema/stages.ts';
import { planSpans, videoRange } from '../summary/plan.ts';
import { cpu } from './activities.ts';
import { both } from './bounded.ts';
import { describe } from './describe.ts';
import { extract } from './extract.ts';
import { errorOf, failed } from './failures.ts';
import { type Journal, openJournal } from './journal.ts';
import { reduce } from './reduce.ts';

export async function summarize(input: SummarizeInput): Promise<void> {
  const journal = openJournal(input.jobId);
  const startedAt = new Date().toISOString();
  journal.note({ startedAt });
  announceCancel(journal);
  try {
    const { output, gaps } = await run(input, journal, startedAt);
    await journal.close(
      { status: gaps > 0 ? 'completed_with_gaps' : 'completed', ...output },
      { type: 'job.completed', gaps },
      { stage: 'done', percent: 100, eta_seconds: 0 },
    );
  } catch (failure) {
    await CancellationScope.nonCancellable(() => close(failure, journal));
    throw isCancellation(failure) ? failure : failed(errorOf(failure));
  }
}

async function run(
  input: SummarizeInput,
  journal: Journal,
  startedAt: string,
): Promise<{ readonly output: FinishOutput; readonly gaps: number }> {
  const { request, jobId } = input;
  journal.emit({ type: 'job.started' }, { stage: 'ingest', percent: 1 });
  const ingested = await ingest(input);
  const { source, model } = ingested;
  journal.emit({ type: 'source.ready', source: outline(source) }, { stage: 'extract', percent: 5 });

  const spans = planSpans(source, request, ingested.slides.flatMap(numbers));
  const maxFrames = source.type === 'video' ? request.sampling.max_frames : undefined;
  const [{ frames, extractions, gaps }, words] = await both(
    () => extract(spans, ingested, input, maxFrames, journal),
    () => readWords(request, ingested),
  );
  const shown = await matchSlides(extractions, maxFrames, request, ingested);
  const segments = await describe(frames, words, ingested, input, journal);
  const reduced = await reduce(segments, ingested, input, journal);

  const output = await cpu.finish({
    jobId,
    run: workflowInfo().runId,
    source,
    ...(source.type === 'video' ? { range: videoRange(source, request) } : {}),
    extractions,
    ...(maxFrames === undefined ? {} : { maxFrames }),
    ...(words ? { words } : {}),
    ...(shown === undefined ? {} : { shown }),
    segments: segments.map(({ outcome }) => outcome),
    ...reduced,
    startedAt,
    model,
  });
  return { output, gaps: gaps + segments.filter(({ outcome }) => 'reason' in outcome).length };
}

/** The words that go with a video, where it has any. */
async function readWords(
  request: SummaryRequest,
  { source, artifact }: IngestOutput,
): Promise<SpokenWords | undefined> {
  if (source.type !== 'video' || request.source.type !== 'video') return undefined;
  const { subtitles } = request.source;
  const range = videoRange(source, request);
  const { words } = await cpu.readWords({ source, artifact, range, ...(subtitles ? { subtitles } : {}) });
  return words;
}

/** Which slides of its deck a video shows, where it came with one. */
async function matchSlides(
  extractions: readonly string[],
  maxFrames: number | undefined,
  request: SummaryRequest,
  { source, deck }: IngestOutput,
): Promise<string | undefined> {
  if (source.type !== 'video' || !deck) return undefined;
  const { shown } = await cpu.matchSlides({
    deck,
    extractions,
    ...(maxFrames === undefined ? {} : { maxFrames }),
    end: videoRange(source, request).end,
  });
  return shown;
}

function ingest({ request, jobId }: SummarizeInput): Promise<IngestOutput> {
  return cpu.ingest({
    jobId,
    source: request.source,
    detail: request.detail,
    ...(request.pages === undefined ? {} : { pages: request.pages }),
    ...(request.start_time === undefined ? {} : { startTime: request.start_time }),
    ...(request.end_time === undefined ? {} : { endTime: request.end_time }),
  });
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
function numbers([first, last]: readonly [number, number]): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
