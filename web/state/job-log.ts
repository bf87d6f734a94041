/** The state of a job as reduced from its events. Applying an event twice has no effect. */
import type { JobEvent } from '../../schema/events.ts';
import type { JobError, Progress, Stage } from '../../schema/job.ts';
import type { ResultFrame } from '../../schema/result.ts';

export interface SegmentView {
  readonly index: number;
  readonly startTime: number | undefined;
  readonly endTime: number | undefined;
  /** Slide numbers; empty for videos. */
  readonly slides: readonly number[];
  readonly frames: readonly ResultFrame[];
}

export interface JobLog {
  /** Number of the last event applied; -1 before the first. */
  readonly lastId: number;
  readonly progress: Progress | undefined;
  /** The stage of the last event: `progress` has `waiting` while the job waits within a stage. */
  readonly reachedStage: Stage | undefined;
  readonly source:
    | { readonly type: string; readonly duration?: number | undefined; readonly pages?: number | undefined }
    | undefined;
  readonly segments: ReadonlyMap<number, SegmentView>;
  readonly failedSegments: ReadonlyMap<number, JobError>;
  /** The most recently described frame. Segments complete in any order. */
  readonly latestFrame: ResultFrame | undefined;
  readonly isCancelling: boolean;
  readonly hasEnded: boolean;
}

export const EMPTY_LOG: JobLog = {
  lastId: -1,
  progress: undefined,
  reachedStage: undefined,
  source: undefined,
  segments: new Map(),
  failedSegments: new Map(),
  latestFrame: undefined,
  isCancelling: false,
  hasEnded: false,
};

/** Returns the log with `event` applied. Skips events up to `lastId`, which repeat after a reconnect. */
export function applyEvent(log: JobLog, event: JobEvent): JobLog {
  if (event.id <= log.lastId) return log;
  const { progress } = event;
  const next = { ...log, lastId: event.id, progress, reachedStage: progress.stage };
  switch (event.type) {
    case 'source.ready':
      return { ...next, source: event.source };
    case 'segment.completed': {
      const { index, start_time: startTime, end_time: endTime, frames } = event.segment;
      const slides = frames.flatMap(({ slide }) => slide ?? []);
      const segment = { index, startTime, endTime, slides, frames };
      return {
        ...next,
        segments: withEntry(log.segments, index, segment),
        latestFrame: frames.at(-1) ?? log.latestFrame,
      };
    }
    case 'segment.failed':
      return { ...next, failedSegments: withEntry(log.failedSegments, event.segment.index, event.error) };
    case 'job.cancelling':
      return { ...next, isCancelling: true };
    case 'job.completed':
    case 'job.failed':
    case 'job.cancelled':
      return { ...next, hasEnded: true };
    case 'job.created':
    case 'job.started':
    case 'frames.extracted':
    case 'chapter.completed':
    case 'plan.ready':
    case 'reduce.started':
    case 'reduce.completed':
      return next;
    default:
      event satisfies never;
      return next; // a newer server may send other types of events
  }
}

function withEntry<V>(map: ReadonlyMap<number, V>, key: number, value: V): ReadonlyMap<number, V> {
  return new Map(map).set(key, value);
}
