/**
 * Reads the event log of a job. The workflow writes events in batches; each is an artifact named by the id of
 * its first event. Event 0 is derived from the record, so clients receive an event before any worker runs.
 */
import { isLastEvent, type JobEvent } from '../../schema/events.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { eventsName } from '../../store/names.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
import type { Clock } from '../app/index.ts';
import { NO_PROGRESS, readJson } from './job-view.ts';

/** How often the store is read for new events. */
const EVENT_POLL_MS = 200;
/** How many reads without an event come before a check whether the job is still running. */
const POLLS_PER_DESCRIBE = 5;

export interface EventLog {
  readonly store: BlobStore;
  readonly clock: Clock;
  /** How often the store is read for new events, in milliseconds. The default is 200. */
  readonly pollIntervalMs?: number;
  /** Reads the record of the job again; undefined if the job was deleted. */
  readonly describe: () => Promise<JobRecord | undefined>;
}

/** Yields the stored events after id `after`, in order. -1 is before the first event. */
export async function* storedEvents(
  store: BlobStore,
  record: JobRecord,
  after: number,
): AsyncGenerator<JobEvent> {
  if (after < 0) yield { id: 0, type: 'job.created', time: record.createdAt, progress: NO_PROGRESS };
  // The length of batches varies, so all batches before the first requested event are read as well.
  for (let first = 1; ; ) {
    const batch = await readBatch(store, record, first);
    if (batch.length === 0) return;
    for (const event of batch) if (event.id > after) yield event;
    first += batch.length;
  }
}

/**
 * Yields the events after id `after` as they are written, until the last event, the end of the job or an
 * abort. Yields `waiting` after each read without an event, so the caller can send a heartbeat.
 *
 * @throws StoreError, and the errors of `describe`
 */
export async function* followEvents(
  eventLog: EventLog,
  start: JobRecord,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<JobEvent | 'waiting'> {
  let seen = after;
  for await (const event of storedEvents(eventLog.store, start, after)) {
    yield event;
    if (isLastEvent(event)) return;
    seen = event.id;
  }
  // If `after` is past the last event, the stream continues after it and does not repeat events.
  let next = Math.max(seen + 1, 1);
  let closed = isClosed(start);
  for (let reads = 1; !signal.aborted; reads += 1) {
    const batch = await readBatch(eventLog.store, start, next);
    for (const event of batch) {
      yield event;
      if (isLastEvent(event)) return;
    }
    next += batch.length;
    if (batch.length > 0) continue;
    // The run was closed before this read, so no event can follow.
    if (closed) return;
    if (reads % POLLS_PER_DESCRIBE === 0) {
      const record = await eventLog.describe();
      closed = record === undefined || record.run !== start.run || isClosed(record);
      if (closed) continue;
    }
    yield 'waiting';
    await eventLog.clock.sleep(eventLog.pollIntervalMs ?? EVENT_POLL_MS, signal);
  }
}

async function readBatch(store: BlobStore, record: JobRecord, first: number): Promise<JobEvent[]> {
  const name = eventsName(record.id, record.run, first);
  if (!(await store.head(name))) return [];
  // Written by the workflow from this type, verified by hash.
  return (await readJson(store, name)) as JobEvent[];
}
