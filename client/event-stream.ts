import { readSse } from '../core/sse.ts';
import type { JobEvent } from '../schema/events.ts';
import type { Progress } from '../schema/job.ts';
import { ApiError } from './api-error.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface StreamOptions {
  /** The number of the last event that is already known. The default, -1, returns all events. */
  readonly after?: number | undefined;
  /** Called with the queue position while the job waits for other jobs, and when it begins or ends to wait. */
  readonly onQueueUpdate?: ((progress: Progress) => void) | undefined;
}

export interface EventMethods {
  /**
   * Yields the events of a job, each once and in order, until the job has ended. After a lost connection it resumes
   * with the next event, with increasing delays.
   *
   * @throws ApiError after one minute without a response, or at once if a retry cannot help
   */
  streamEvents(id: string, options?: CallOptions & StreamOptions): AsyncGenerator<JobEvent, void>;
  /** Returns a page of the events so far, for programs that poll. */
  listEvents(
    id: string,
    options?: CallOptions & {
      /** The number of the last event that is already known. The default, -1, returns all events. */
      readonly after?: number | undefined;
      /** The maximum number of events, from 1 to 1000. The default is 100. */
      readonly limit?: number | undefined;
    },
  ): Promise<EventPage>;
}

export interface EventPage {
  readonly data: readonly JobEvent[];
  /** Pass it as `after` to get the next page; null after the last event of a job that has ended. */
  readonly next_after: number | null;
}

/** How long to reconnect without a response, in milliseconds. */
const RECONNECT_TIMEOUT_MS = 60_000;
/** A stream without data for this long is broken, in milliseconds. The server sends something every 15 seconds. */
const IDLE_TIMEOUT_MS = 45_000;
/** Delays before the first, second, … attempt in a row; the last one repeats. */
const RECONNECT_DELAYS_MS = [250, 500, 1000, 2000] as const;

/** What arrives on a stream, between connections. */
interface StreamState {
  /** The number of the last event. */
  seen: number;
  /** Attempts in a row without an event. */
  failures: number;
  /** When the server last sent something, in milliseconds since 1970. */
  heardAt: number;
}

export function eventMethods(transport: Transport): EventMethods {
  return {
    listEvents: async (id, { signal, ...query } = {}) => {
      const headers = { Accept: 'application/json' };
      const page = await transport.json('GET /v1/summaries/{id}/events', {
        params: { id },
        query,
        headers,
        signal,
      });
      return page as EventPage; // as documented for this `Accept`
    },

    async *streamEvents(id, options = {}) {
      const { signal, after = -1 } = options;
      const state: StreamState = { seen: after, failures: 0, heardAt: Date.now() };
      // Not `retry`: a generator yields events between failures, and a stream that ends early is no error.
      for (;;) {
        try {
          const hasEnded = yield* readConnection(transport, id, state, options);
          if (hasEnded) return;
        } catch (error) {
          if (signal?.aborted) throw error;
          if (error instanceof ApiError && !error.problem.retryable) throw error;
          if (Date.now() - state.heardAt > RECONNECT_TIMEOUT_MS) throw error;
        }
        await transport.sleep(
          RECONNECT_DELAYS_MS[Math.min(state.failures, RECONNECT_DELAYS_MS.length - 1)] ?? 0,
        );
        state.failures += 1;
      }
    },
  };
}

/** Yields the events of one connection and updates `state`. Returns whether the job has no more events. */
async function* readConnection(
  { send }: Transport,
  id: string,
  state: StreamState,
  { signal, onQueueUpdate }: CallOptions & StreamOptions,
): AsyncGenerator<JobEvent, boolean> {
  const idle = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const restartTimer = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => idle.abort(), IDLE_TIMEOUT_MS);
  };
  const onBytes = (): void => {
    state.heardAt = Date.now();
    restartTimer();
  };
  restartTimer();
  try {
    const response = await send('GET /v1/summaries/{id}/events', {
      params: { id },
      headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(state.seen) },
      signal: signal ? AbortSignal.any([signal, idle.signal]) : idle.signal,
    });
    onBytes();
    if (response.status === 204 || !response.body) return true;
    for await (const message of readSse(response.body, { onBytes })) {
      state.failures = 0;
      if (message.id === undefined) {
        // Messages without an id are not events: only `progress`, with the queue position.
        if (message.event === 'progress') onQueueUpdate?.(JSON.parse(message.data) as Progress); // as documented
        continue;
      }
      const event = JSON.parse(message.data) as JobEvent; // as documented
      if (event.id <= state.seen) continue;
      state.seen = event.id;
      // The time the caller takes for an event does not count as silence of the server.
      clearTimeout(timer);
      yield event;
      onBytes();
      if (isLastEvent(event)) return true;
    }
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Not imported from schema/events.ts, which would add the schema library to the size of a page. */
function isLastEvent({ type }: JobEvent): boolean {
  return /^job\.(completed|failed|cancelled)$/.test(type);
}
