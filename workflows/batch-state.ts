/** The state of a batch between two workflow tasks, and its transitions: a pure reducer. */
import type {
  BatchControl,
  BatchInput,
  BatchState,
  LinePosition,
  ReadyLine,
  SettleJobsOutput,
} from '../schema/batch-stages.ts';
import type { JobId } from '../schema/ids.ts';

export type StopReason = NonNullable<BatchState['stop']>;

/** A window over the lines of a batch: at most `maxInFlight` of their jobs are in flight. */
export interface BatchWindow {
  /** First line that is not in `page` and not started; absent if there is none. */
  readonly next?: LinePosition;
  /** Lines that were read but not started. */
  readonly page: readonly ReadyLine[];
  readonly inFlight: ReadonlyMap<number, JobId>;
  /**
   * Lines whose end is not reported to this run, because an earlier run or another round started them. Their
   * jobs are polled.
   */
  readonly polled: ReadonlySet<number>;
  /** Lines whose jobs have probably ended and are not settled yet. */
  readonly ended: readonly number[];
  /** Jobs whose start is not confirmed. */
  readonly starting: number;
  readonly completed: number;
  readonly failed: number;
  readonly maxInFlight: number;
  readonly paused: boolean;
  readonly stop?: StopReason;
}

export type BatchTransition =
  | { readonly type: 'controlled'; readonly change: BatchControl }
  | { readonly type: 'stopped'; readonly reason: StopReason }
  | {
      readonly type: 'page_read';
      readonly lines: readonly ReadyLine[];
      readonly next: LinePosition | undefined;
    }
  | { readonly type: 'lines_started'; readonly count: number }
  /** The server confirmed the start of a job. `isDuplicate`: it had been started before. */
  | { readonly type: 'start_confirmed'; readonly line: number; readonly isDuplicate: boolean }
  | { readonly type: 'job_ended'; readonly line: number }
  | { readonly type: 'poll_due' }
  /** The first `count` ended lines are being settled. */
  | { readonly type: 'settling'; readonly count: number }
  | { readonly type: 'settled'; readonly lines: readonly number[]; readonly ends: SettleJobsOutput };

/** Returns the window of a new run, for a batch that starts or continues. */
export function openWindow(input: BatchInput): BatchWindow {
  const { inFlight, ...rest } = input.state ?? {
    next: { shard: 0, entry: 0 },
    completed: input.completed,
    failed: input.invalid,
    maxInFlight: input.maxInFlight,
    paused: false,
    inFlight: [],
  };
  const jobs = new Map(inFlight);
  return { ...rest, page: [], inFlight: jobs, polled: new Set(jobs.keys()), ended: [], starting: 0 };
}

/** The state for the next run, from a window in which no job is being started. */
export function stateOf(window: BatchWindow): BatchState {
  const { page, next: unread, inFlight, completed, failed, maxInFlight, paused, stop } = window;
  const next = page[0]?.position ?? unread;
  return {
    ...{ completed, failed, maxInFlight, paused, inFlight: [...inFlight] },
    ...(next ? { next } : {}),
    ...(stop ? { stop } : {}),
  };
}

export function hasLinesLeft({ page, next }: BatchWindow): boolean {
  return page.length > 0 || next !== undefined;
}

export function canStart(window: BatchWindow): boolean {
  const { stop, paused, inFlight, maxInFlight } = window;
  return stop === undefined && !paused && hasLinesLeft(window) && inFlight.size < maxInFlight;
}

export function isOver(window: BatchWindow): boolean {
  return window.inFlight.size === 0 && (window.stop !== undefined || !hasLinesLeft(window));
}

export function reduceBatch(window: BatchWindow, transition: BatchTransition): BatchWindow {
  switch (transition.type) {
    case 'controlled':
      return transition.change.type === 'limit'
        ? { ...window, maxInFlight: transition.change.maxInFlight }
        : { ...window, paused: transition.change.type === 'pause' };
    case 'stopped':
      return { ...window, stop: window.stop ?? transition.reason };
    case 'page_read': {
      const { next: _read, ...rest } = window;
      const { lines, next } = transition;
      return { ...rest, page: lines, ...(next ? { next } : {}) };
    }
    case 'lines_started': {
      const started = window.page.slice(0, transition.count);
      const jobs = started.map(({ line, jobId }) => [line, jobId] as const);
      return {
        ...window,
        page: window.page.slice(transition.count),
        inFlight: new Map([...window.inFlight, ...jobs]),
        starting: window.starting + started.length,
      };
    }
    case 'start_confirmed': {
      const { line, isDuplicate } = transition;
      const confirmed = { ...window, starting: window.starting - 1 };
      if (!isDuplicate) return confirmed;
      // It is running, or has ended: its job is the job of this line.
      return { ...confirmed, polled: new Set([...window.polled, line]), ended: [...window.ended, line] };
    }
    case 'job_ended':
      return { ...window, ended: [...window.ended, transition.line] };
    case 'poll_due':
      return { ...window, ended: [...window.ended, ...window.polled] };
    case 'settling':
      return { ...window, ended: window.ended.slice(transition.count) };
    case 'settled':
      return settle(window, transition.lines, transition.ends);
    default:
      transition satisfies never;
      return window;
  }
}

/** Counts the jobs that have ended; those that are still running are polled from now on. */
function settle(window: BatchWindow, lines: readonly number[], ends: SettleJobsOutput): BatchWindow {
  const inFlight = new Map(window.inFlight);
  const polled = new Set(window.polled);
  const counts = { completed: window.completed, failed: window.failed };
  for (const [index, line] of lines.entries()) {
    const end = ends[index];
    if (end === undefined || end === 'running') {
      polled.add(line);
      continue;
    }
    inFlight.delete(line);
    polled.delete(line);
    counts[end] += 1;
  }
  return { ...window, ...counts, inFlight, polled };
}
