/** Server-sent events: the wire form of a job's event log. */
import type { JobEvent } from '../../schema/events.ts';
import type { Clock } from '../app/index.ts';
import type { Told } from './queue-position.ts';

/** Time without an event after which a comment is sent, so that proxies keep the connection, in milliseconds. */
const HEARTBEAT_INTERVAL = 15_000;
/** Time after which a dropped client should come back, in milliseconds. */
const RETRY_AFTER = 1000;

/** The headers of every event stream. */
export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would otherwise collect events before passing them on.
  'X-Accel-Buffering': 'no',
} as const;

export interface SseOptions {
  readonly clock: Clock;
  /** Aborted when the client is gone; the producer of `events` must watch the same signal. */
  readonly stop: AbortController;
  /** Gets what `events` throws. Nothing of it reaches the client: the stream ends, and the client resumes. */
  readonly onError: (error: unknown) => void;
}

/** Streams `events`, one at a time and only as fast as the client reads. */
export function eventStream(
  events: AsyncGenerator<JobEvent | 'waiting' | Told>,
  { clock, stop, onError }: SseOptions,
): Response {
  const encoder = new TextEncoder();
  let lastSent = clock.now();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: ${RETRY_AFTER}\n\n`));
    },
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await events.next();
          if (done) {
            // A client that has gone away has closed the stream already.
            if (!stop.signal.aborted) controller.close();
            return;
          }
          if (value !== 'waiting') {
            controller.enqueue(encoder.encode('id' in value ? eventText(value) : controlText(value)));
          } else if (clock.now() - lastSent >= HEARTBEAT_INTERVAL) {
            controller.enqueue(encoder.encode(': still here\n\n'));
          } else {
            continue;
          }
          lastSent = clock.now();
          return;
        }
      } catch (error) {
        onError(error);
        // The stream may have been cancelled meanwhile, and then cannot be closed again.
        if (!stop.signal.aborted) controller.close();
      }
    },
    cancel() {
      stop.abort();
    },
  });
  return new Response(body, { headers: SSE_HEADERS });
}

function eventText(event: JobEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Without an id, so that a client which reconnects still names the last event it has seen. */
function controlText({ progress }: Told): string {
  return `event: progress\ndata: ${JSON.stringify(progress)}\n\n`;
}
