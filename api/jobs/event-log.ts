/**
 * Reading the event log of a job. Its workflow writes batches, each an artifact named by the id of its first event. Event 0
 * is stored nowhere: it follows from the record, so that a reader has something to show before any worker runs.
 */
import { isLastEvent, type JobEvent } from '../../schema/events.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { eventsName } from '../../store/names.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
import type { Clock } from '../app/index.ts';
import { NO_PROGRESS, readJson } from './job-view.ts';

/** Time between two looks for the next batch, in milliseconds. */
const POLL_INTERVAL = 200;
/** Looks between two questions whether the job still runs. */
const LOOKS_PER_DESCRIBE = 5;

export interface Journal {
  readonly store: BlobStore;
  readonly clock: Clock;
  /** Time between two looks for the next batch, in milliseconds; by default 200. */
  readonly interval?: number;
  /** Asks for the record again; undefined once the job was deleted. */
  readonly describe: () => Promise<JobRecord | undefined>;
}

/** The events after id `after` that are there now, in order. -1 is before the first. */
export async function* storedEvents(
  store: BlobStore,
  record: JobRecord,
  after: number,
): AsyncGenerator<JobEvent> {
  if (after < 0) yield { id: 0, type: 'job.created', time: record.createdAt, progress: NO_PROGRESS };
  // Batches have no fixed length, so a reader in the middle finds its place by stepping over those before it.
  for (let first = 1; ; ) {
    const batch = await readBatch(store, record, first);
    if (batch.length === 0) return;
    for (const event of batch) if (event.id > after) yield event;
    first += batch.length;
  }
}

/**
 * The events after id `after` as they come, until the last one, the end of the job or `signal`. Yields `waiting` after each
 * look that found nothing, so that the reader can show that it lives. Throws StoreError and what `describe` throws.
 */
export async function* followEvents(
  journal: Journal,
  start: JobRecord,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<JobEvent | 'waiting'> {
  let seen = after;
  for await (const event of storedEvents(journal.store, start, after)) {
    yield event;
    if (isLastEvent(event)) return;
    seen = event.id;
  }
  // A reader who claims to have seen more than there is waits for what follows that, not for what is missing.
  let next = Math.max(seen + 1, 1);
  let closed = isClosed(start);
  for (let look = 1; !signal.aborted; look += 1) {
    const batch = await readBatch(journal.store, start, next);
    for (const event of batch) {
      yield event;
      if (isLastEvent(event)) return;
    }
    next += batch.length;
    if (batch.length > 0) continue;
    // Closed before this look, and the look found nothing: nothing will come any more.
    if (closed) return;
    if (look % LOOKS_PER_DESCRIBE === 0) {
      const record = await journal.describe();
      closed = record === undefined || record.run !== start.run || isClosed(record);
      if (closed) continue;
    }
    yield 'waiting';
    await journal.clock.sleep(journal.interval ?? POLL_INTERVAL, signal);
  }
}

async function readBatch(store: BlobStore, record: JobRecord, first: number): Promise<JobEvent[]> {
  const name = eventsName(record.id, record.run, first);
  if (!(await store.head(name))) return [];
  return (await readJson(store, name)) as JobEvent[]; // written by the job from that type, checked by hash
}
