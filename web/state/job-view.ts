/** Everything the job page shows, from the job and its event log. Pure. */
import type { Job, JobError, JobStatus, Progress } from '../../schema/job.ts';
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
}

export interface JobView {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly kind: 'video' | 'deck' | 'images';
  readonly status: JobStatus;
  readonly running: boolean;
  readonly progress: Progress;
  /** Length of a video in seconds, or 0 while it is not known. */
  readonly duration: number;
  /** Number of slides or pictures, or 0 while it is not known. */
  readonly pages: number;
  readonly segments: readonly SegmentView[];
  /** All frames seen so far, in the order of the source. */
  readonly frames: readonly ResultFrame[];
  /** The frame described last. */
  readonly latest: ResultFrame | undefined;
  readonly chapters: readonly ChapterView[];
  /** Titles of chapters that are finished while the job is still running. */
  readonly chapterTitles: readonly string[];
  readonly gaps: readonly GapView[];
  readonly result: SummaryResult | null;
  readonly error: JobError | null;
  /** How long the job took, once it has ended well. */
  readonly wallSeconds: number | undefined;
}

/** The name a job goes by: the file it was made from, the id its sender gave it, or the last part of its address. */
export function nameOf(job: Job): string {
  const { source } = job.request;
  const address = source.type === 'images' ? source.urls?.[0] : source.url;
  const path = address === undefined ? undefined : new URL(address).pathname.split('/').at(-1);
  return job.metadata.filename ?? job.custom_id ?? (path === undefined || path === '' ? 'Untitled' : path);
}

/** Joins both views of a job. A stored result wins over the log it was made from. */
export function viewOf(job: Job, log: JobLog): JobView {
  const { result } = job;
  const settled = isSettled(job.status);
  const segments = result ? result.segments.map(segmentOf) : [...log.segments.values()].sort(byIndex);
  const frames = segments.flatMap((segment) => segment.frames).sort(byIndex);
  const ends = segments.map((segment) => segment.endTime ?? 0);
  const name = nameOf(job);
  return {
    id: job.id,
    name,
    title: result?.title || name,
    kind: job.request.source.type,
    status: statusOf(job, log),
    running: !settled,
    progress: settled ? job.progress : (log.progress ?? job.progress),
    duration: result?.source.duration ?? log.source?.duration ?? Math.max(0, ...ends),
    pages: result?.source.pages ?? log.source?.pages ?? 0,
    segments,
    frames,
    latest: log.latest,
    chapters: (result?.chapters ?? []).map((chapter) => ({
      title: chapter.title,
      summary: chapter.summary,
      startTime: chapter.start_time,
      endTime: chapter.end_time,
      slides: chapter.slides ?? [],
      segments: chapter.segments,
    })),
    chapterTitles: [...log.chapterTitles].sort(([a], [b]) => a - b).map(([, title]) => title),
    gaps: result
      ? result.gaps.map((gap) => ({
          segment: gap.segment,
          startTime: gap.start_time,
          endTime: gap.end_time,
          slides: gap.slides ?? [],
        }))
      : [...log.failedSegments.keys()].map((segment) => ({
          segment,
          startTime: undefined,
          endTime: undefined,
          slides: [],
        })),
    result,
    error: job.error,
    wallSeconds: job.ledger?.wall_seconds,
  };
}

/** Whether a job in this status will not change any more. */
export function isSettled(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'processing' && status !== 'cancelling';
}

/** The first frame of the earliest of these segments: where a sentence or chapter takes the reader. */
export function firstFrameOf(view: JobView, segments: readonly number[]): ResultFrame | undefined {
  const wanted = new Set(segments);
  return view.segments.find((segment) => wanted.has(segment.index) && segment.frames.length > 0)?.frames[0];
}

/** Whether `frame` belongs to one of `segments`. */
export function isIn(view: JobView, segments: readonly number[], frame: ResultFrame | undefined): boolean {
  const home = frame && view.segments.find((segment) => segment.frames.includes(frame));
  return home !== undefined && segments.includes(home.index);
}

/** The log is ahead of the job it was read with. */
function statusOf(job: Job, log: JobLog): JobStatus {
  if (isSettled(job.status)) return job.status;
  if (log.cancelling) return 'cancelling';
  return log.progress && log.progress.stage !== 'queued' ? 'processing' : job.status;
}

/** The last of `frames` (sorted by time) shown at `time` in seconds, or the first one. */
export function frameAt(frames: readonly ResultFrame[], time: number): ResultFrame | undefined {
  return frames.findLast((frame) => (frame.time ?? 0) <= time + 1e-3) ?? frames[0];
}

/** A segment of a stored result as the log would have told of it. */
export function segmentOf(segment: SummaryResult['segments'][number]): SegmentView {
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
