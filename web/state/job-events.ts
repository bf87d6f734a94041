/**
 * The events of a job for one tab of several. Over HTTP/1.1 a browser opens six connections to a server, for
 * all tabs together: streams of more tabs would block every request. A few tabs stream, the others read
 * pages of the same events.
 */
import type { FrameloomClient } from '../../client/index.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { Progress } from '../../schema/job.ts';
import { pause } from './pause.ts';

/** Streams of all tabs together. The other half of the connections is left for requests. */
const MAX_STREAMS = 3;
/** Pause between two pages of a tab without a stream. */
const POLL_MS = 1500;

export interface JobEventsOptions {
  /** The number of the last event that is already known. */
  readonly after: number;
  readonly signal: AbortSignal;
  readonly onQueueUpdate: (progress: Progress) => void;
}

/** Yields the events of a job until it has ended. @throws ApiError */
export async function* jobEvents(
  client: FrameloomClient,
  id: string,
  { after, signal, onQueueUpdate }: JobEventsOptions,
): AsyncGenerator<JobEvent, void> {
  let seen = after;
  while (!signal.aborted) {
    const release = await takeStream();
    if (release) {
      try {
        return yield* client.streamEvents(id, { after: seen, signal, onQueueUpdate });
      } finally {
        release();
      }
    }
    const page = await client.listEvents(id, { after: seen, signal });
    yield* page.data;
    seen = page.data.at(-1)?.id ?? seen;
    if (page.next_after === null) return;
    if (page.data.length > 0) continue;
    // The queue position is part of the job, not of its events.
    const { progress } = await client.getSummary(id, { signal });
    if (progress.queue_position !== undefined) onQueueUpdate(progress);
    await pause(POLL_MS, signal);
  }
}

/**
 * Takes one of the streams that tabs share, and returns the function that gives it back. Undefined if all are
 * taken, and where the browser has no locks, which need HTTPS or localhost.
 */
async function takeStream(): Promise<(() => void) | undefined> {
  const locks = globalThis.navigator?.locks as LockManager | undefined; // the types assume a secure context
  for (let number = 0; locks && number < MAX_STREAMS; number += 1) {
    const release = await takeLock(locks, `frameloom.stream.${number}`);
    if (release) return release;
  }
  return undefined;
}

/** The browser releases the lock of a tab that is closed or crashes. */
function takeLock(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock) return new Promise<void>((release) => resolve(release));
        resolve(undefined);
        return undefined;
      })
      .catch(reject);
  });
}
