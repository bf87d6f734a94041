/** The data of the job page, from the job and its event log. */
import type { Job, JobError, JobStatus, Progress, Stage } from '../../schema/job.ts';
import type { ResultFrame, SummaryResult } from '../../schema/result.ts';
import type { JobLog, SegmentView } from './job-log.ts';

export interface ChapterView {
  readonly title: string;
  readonly summary: string;
  readonly startTime: number | undefined;
  readonly endTime: number | undefined;
  readonly slides: readonly number[];
  readonly segments: readonly number[];
}

export interface GapView {
  /** Undefined for slides that are in no segment. */
  readonly segment: number | undefined;
  readonly startTime: number | undefined;
  readonly endTime: number | undefined;
  readonly slides: readonly number[];
  /** An error code, where it is known. */
  readonly reason: string;
}

export interface JobView {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly kind: 'video' | 'deck' | 'images';
  readonly status: JobStatus;
  readonly isRunning: boolean;
  readonly progress: Progress;
  /** The stage that the job is in, also while it waits there. */
  readonly reachedStage: Stage;
  /** Length of a video in seconds, or 0 while it is unknown. */
  readonly duration: number;
  /** Number of slides or images, or 0 while it is unknown. */
  readonly pages: number;
  readonly segments: readonly SegmentView[];
  /** All frames described so far, in the order of the source. */
  readonly frames: readonly ResultFrame[];
  /** The most recently described frame. */
  readonly latestFrame: ResultFrame | undefined;
  readonly chapters: readonly ChapterView[];
  readonly gaps: readonly GapView[];
  readonly result: SummaryResult | null;
  readonly error: JobError | null;
  /** Duration of a completed job. */
  readonly wallSeconds: number | undefined;
}

/** Returns the display name of a job: its file name, its custom id, or the last part of its URL. */
export function jobName(job: Job): string {
  const { source } = job.request;
  const address = source.type === 'images' ? source.urls?.[0] : source.url;
  const path = address === undefined ? undefined : new URL(address).pathname.split('/').at(-1);
  return job.metadata.filename ?? job.custom_id ?? (path === undefined || path === '' ? 'Untitled' : path);
}

/** Builds the view. The result of a job takes precedence over its event log. */
export function buildJobView(job: Job, log: JobLog): JobView {
  const { result } = job;
  const hasEnded = isSettled(job.status);
  const segments = result ? result.segments.map(toSegmentView) : [...log.segments.values()].sort(byIndex);
  const frames = segments.flatMap((segment) => segment.frames).sort(byIndex);
  const ends = segments.map((segment) => segment.endTime ?? 0);
  const name = jobName(job);
  return {
    id: job.id,
    name,
    title: result?.title || name,
    kind: job.request.source.type,
    status: currentStatus(job, log),
    isRunning: !hasEnded,
    progress: hasEnded ? job.progress : (log.progress ?? job.progress),
    reachedStage: log.reachedStage ?? job.progress.stage,
    duration: result?.source.duration ?? log.source?.duration ?? Math.max(0, ...ends),
    pages: result?.source.pages ?? log.source?.pages ?? 0,
    segments,
    frames,
    latestFrame: log.latestFrame,
    chapters: (result?.chapters ?? []).map((chapter) => ({
      title: chapter.title,
      summary: chapter.summary,
      startTime: chapter.start_time,
      endTime: chapter.end_time,
      slides: chapter.slides ?? [],
      segments: chapter.segments,
    })),
    gaps: result
      ? result.gaps.map((gap) => ({
          segment: gap.segment,
          startTime: gap.start_time,
          endTime: gap.end_time,
          slides: gap.slides ?? [],
          reason: gap.reason,
        }))
      : [...log.failedSegments.keys()].map((segment) => ({
          segment,
          startTime: undefined,
          endTime: undefined,
          slides: [],
          reason: '',
        })),
    result,
    error: job.error,
    wallSeconds: job.ledger?.wall_seconds,
  };
}

/** Whether this status is final. */
export function isSettled(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'processing' && status !== 'cancelling';
}

/**
 * Returns the first frame of the earliest of these segments: the target of links to a sentence or chapter.
 */
export function findFirstFrame(view: JobView, segments: readonly number[]): ResultFrame | undefined {
  const wanted = new Set(segments);
  return view.segments.find((segment) => wanted.has(segment.index) && segment.frames.length > 0)?.frames[0];
}

/** Whether `frame` belongs to one of `segments`. */
export function isFrameInSegments(
  view: JobView,
  segments: readonly number[],
  frame: ResultFrame | undefined,
): boolean {
  const home = frame && view.segments.find((segment) => segment.frames.includes(frame));
  return home !== undefined && segments.includes(home.index);
}

/** The log is more recent than the loaded job. */
function currentStatus(job: Job, log: JobLog): JobStatus {
  if (isSettled(job.status)) return job.status;
  if (log.isCancelling) return 'cancelling';
  return log.reachedStage && log.reachedStage !== 'waiting' ? 'processing' : job.status;
}

/**
 * Returns the frame visible at `time` in seconds, from `frames` sorted by time; before the first one, the
 * first.
 */
export function findFrameAt(frames: readonly ResultFrame[], time: number): ResultFrame | undefined {
  return frames.findLast((frame) => (frame.time ?? 0) <= time + 1e-3) ?? frames[0];
}

/** Converts a segment of a result. */
export function toSegmentView(segment: SummaryResult['segments'][number]): SegmentView {
  return {
    index: segment.index,
    startTime: segment.start_time,
    endTime: segment.end_time,
    slides: segment.slides ?? [],
    frames: segment.frames,
  };
}

function byIndex(a: { readonly index: number }, b: { readonly index: number }): number {
  return a.index - b.index;
}
