/** The queue position of a waiting job, and when it will probably be done. */
import type { JobEvent } from '../../schema/events.ts';
import { isFinalStatus, type Progress } from '../../schema/job.ts';
import {
  type GpuBacklog,
  isClosed,
  type JobRecord,
  type Orchestrator,
  statusOf,
} from '../../temporal/orchestrator.ts';
import type { Clock } from '../app/index.ts';
import { NO_PROGRESS, progressOf } from './job-view.ts';

/** How often an event stream reads the queue position. */
const QUEUE_POLL_MS = 2000;

/** A change of the queue position or of `waiting`: part of an event stream, but not of the event log. */
export interface QueueUpdate {
  readonly progress: Progress;
}

/**
 * Adds the queue position to `progress` while no segment of the job is done, and the time to its end once its
 * size is known. Makes at most two calls to the orchestrator.
 */
export async function withQueueProgress(
  orchestrator: Orchestrator,
  record: JobRecord,
  progress: Progress = progressOf(record),
): Promise<Progress> {
  if (!isQueued(record, progress)) return progress;
  const { total } = progress.segments;
  const [position, backlog] = await Promise.all([
    orchestrator.queuePosition(record),
    total > 0 ? orchestrator.gpuBacklog(record) : undefined,
  ]);
  return { ...progress, queue_position: position, ...(backlog ? etaOf(backlog, total) : {}) };
}

/** Adds the queue position only, with one call to the orchestrator. */
export async function withQueuePosition(orchestrator: Orchestrator, record: JobRecord): Promise<Progress> {
  const progress = progressOf(record);
  if (!isQueued(record, progress)) return progress;
  return { ...progress, queue_position: await orchestrator.queuePosition(record) };
}

function isQueued(record: JobRecord, progress: Progress): boolean {
  return !isClosed(record) && !isFinalStatus(statusOf(record)) && hasNoOutput(progress);
}

/** What a stream of events is joined with. */
export interface QueueReads {
  /** Adds the queue position. Not called after the first segment of the job is done. */
  readonly readProgress: (progress: Progress) => Promise<Progress>;
  /** Whether the job waited when it was last read. */
  readonly isWaiting: () => boolean;
}

/** Yields the events of `stream`, and an update whenever the queue position has changed or the job begins or ends to wait. */
export async function* withQueueUpdates(
  stream: AsyncGenerator<JobEvent | 'waiting'>,
  { readProgress, isWaiting }: QueueReads,
  clock: Clock,
): AsyncGenerator<JobEvent | 'waiting' | QueueUpdate> {
  let latest = NO_PROGRESS;
  let reported = '';
  let stage = NO_PROGRESS.stage;
  let nextReadAt = clock.now();
  for await (const event of stream) {
    if (event !== 'waiting') {
      latest = event.progress;
      stage = latest.stage;
    } else if (stage !== (isWaiting() ? 'waiting' : latest.stage)) {
      stage = isWaiting() ? 'waiting' : latest.stage;
      yield { progress: { ...(hasNoOutput(latest) ? await readProgress(latest) : latest), stage } };
      continue;
    } else if (hasNoOutput(latest) && clock.now() >= nextReadAt) {
      nextReadAt = clock.now() + QUEUE_POLL_MS;
      const progress = await readProgress(latest);
      const position = JSON.stringify([progress.queue_position ?? 0, progress.eta_seconds]);
      if (position !== reported && (reported !== '' || (progress.queue_position ?? 0) > 0)) {
        reported = position;
        yield { progress: { ...progress, stage } };
        continue;
      }
    }
    yield event;
  }
}

/** Whether the model has not finished a segment of the job yet. */
function hasNoOutput({ stage, segments }: Progress): boolean {
  return (
    stage !== 'reduce' && stage !== 'finish' && stage !== 'done' && segments.done + segments.failed === 0
  );
}

/** Waiting tasks belong to jobs ahead in the queue, or to the job itself. */
function etaOf({ tasks, tasksPerSecond }: GpuBacklog, segments: number): Pick<Progress, 'eta_seconds'> {
  return tasksPerSecond > 0 ? { eta_seconds: Math.ceil(Math.max(tasks, segments) / tasksPerSecond) } : {};
}
