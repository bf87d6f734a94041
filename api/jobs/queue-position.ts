/** Where a job that waits for the model stands in line, and when it may be done. */
import type { JobEvent } from '../../schema/events.ts';
import { isFinal, type Progress } from '../../schema/job.ts';
import { isClosed, type JobRecord, type Line, type Orchestrator } from '../../temporal/orchestrator.ts';
import type { Clock } from '../app/index.ts';
import { NO_PROGRESS, statusOf } from './job-view.ts';

/** Time between two looks at the line, in milliseconds. */
const LOOK_INTERVAL = 2000;

/** What a stream of events says without adding to the log. */
export interface Told {
  readonly progress: Progress;
}

/** `progress` with the place of the job, while nothing of it has been described; else as it is. */
export async function withPlace(
  orchestrator: Orchestrator,
  record: JobRecord,
  progress: Progress = record.memo.progress ?? NO_PROGRESS,
): Promise<Progress> {
  const waits = !isClosed(record) && !isFinal(statusOf(record)) && isBefore(progress);
  return waits ? placed(progress, await orchestrator.line(record)) : progress;
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

function placed(progress: Progress, { ahead, backlog, rate }: Line): Progress {
  const { total } = progress.segments;
  // What waits is ahead of the job, or its own.
  const eta = total > 0 && rate > 0 ? { eta_seconds: Math.ceil(Math.max(backlog, total) / rate) } : {};
  return { ...progress, queue_position: ahead, ...eta };
}
