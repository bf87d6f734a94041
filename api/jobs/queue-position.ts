/** Where a job that waits for the model stands in line, and when it may be done. */
import type { JobEvent } from '../../schema/events.ts';
import { isFinalStatus, type Progress } from '../../schema/job.ts';
import { type GpuBacklog, isClosed, type JobRecord, type Orchestrator } from '../../temporal/orchestrator.ts';
import type { Clock } from '../app/index.ts';
import { NO_PROGRESS, statusOf } from './job-view.ts';

/** Time between two looks at the line, in milliseconds. */
const LOOK_INTERVAL = 2000;

/** What a stream of events says without adding to the log. */
export interface Told {
  readonly progress: Progress;
}

/**
 * Adds the queue position to `progress` while nothing of the job has been described, and the time to its end once its size is
 * known: two calls of the orchestrator at most.
 */
export async function withPlace(
  orchestrator: Orchestrator,
  record: JobRecord,
  progress: Progress = record.memo.progress ?? NO_PROGRESS,
): Promise<Progress> {
  if (!isWaiting(record, progress)) return progress;
  const { total } = progress.segments;
  const [position, backlog] = await Promise.all([
    orchestrator.queuePosition(record),
    total > 0 ? orchestrator.gpuBacklog(record) : undefined,
  ]);
  return { ...progress, queue_position: position, ...(backlog ? etaOf(backlog, total) : {}) };
}

/** As `withPlace`, by one call and without the time to the end. */
export async function withQueuePosition(orchestrator: Orchestrator, record: JobRecord): Promise<Progress> {
  const progress = record.memo.progress ?? NO_PROGRESS;
  if (!isWaiting(record, progress)) return progress;
  return { ...progress, queue_position: await orchestrator.queuePosition(record) };
}

function isWaiting(record: JobRecord, progress: Progress): boolean {
  return !isClosed(record) && !isFinalStatus(statusOf(record)) && isBefore(progress);
}

/**
 * The events of `stream`, and between them the place of a job that others are ahead of, whenever it has changed. Nothing is asked
 * once something of the job was described.
 */
export async function* tellPlace(
  stream: AsyncGenerator<JobEvent | 'waiting'>,
  look: (progress: Progress) => Promise<Progress>,
  clock: Clock,
): AsyncGenerator<JobEvent | 'waiting' | Told> {
  let latest = NO_PROGRESS;
  let told = '';
  let next = clock.now();
  for await (const event of stream) {
    if (event !== 'waiting') {
      latest = event.progress;
    } else if (isBefore(latest) && clock.now() >= next) {
      next = clock.now() + LOOK_INTERVAL;
      const progress = await look(latest);
      const place = JSON.stringify([progress.queue_position ?? 0, progress.eta_seconds]);
      if (place !== told && (told !== '' || (progress.queue_position ?? 0) > 0)) {
        told = place;
        yield { progress };
        continue;
      }
    }
    yield event;
  }
}

/** Whether the model has done nothing for the job yet. */
function isBefore({ stage, segments }: Progress): boolean {
  return (
    stage !== 'reduce' && stage !== 'finish' && stage !== 'done' && segments.done + segments.failed === 0
  );
}

/** What waits precedes the job, or is its own. */
function etaOf({ tasks, tasksPerSecond }: GpuBacklog, segments: number): Pick<Progress, 'eta_seconds'> {
  return tasksPerSecond > 0 ? { eta_seconds: Math.ceil(Math.max(tasks, segments) / tasksPerSecond) } : {};
}
