/** Server-sent events: the wire form of a job's event log. */
import type { JobEvent } from '../../schema/events.ts';
import type { Clock } from '../app/index.ts';
import type { QueueUpdate } from './queue-position.ts';

/** A comment is sent after this time without an event, because proxies close idle connections. */
const HEARTBEAT_INTERVAL_MS = 15_000;
/** Sent as `retry`: how long a browser waits before it reconnects. */
const RECONNECT_DELAY_MS = 1000;

/** The headers of every event stream. */
export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Otherwise nginx buffers events.
  'X-Accel-Buffering': 'no',
} as const;

export interface SseOptions {
  readonly clock: Clock;
  /** Aborted when the client disconnects. The producer of `events` must stop on the same signal. */
  readonly stop: AbortController;
  /**
   * Receives errors of `events`. They are not sent to the client: the stream ends, and the client resumes it.
   */
  readonly onError: (error: unknown) => void;
}

/** The response that streams `events`, only as fast as the client reads. */
export function eventStream(
  events: AsyncGenerator<JobEvent | 'waiting' | QueueUpdate>,
  { clock, stop, onError }: SseOptions,
): Response {
  const encoder = new TextEncoder();
  let lastSent = clock.now();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: ${RECONNECT_DELAY_MS}\n\n`));
    },
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await events.next();
          if (done) {
            // If the client has disconnected, the stream is already closed.
            if (!stop.signal.aborted) controller.close();
            return;
          }
          if (value !== 'waiting') {
            controller.enqueue(encoder.encode('id' in value ? eventText(value) : controlText(value)));
          } else if (clock.now() - lastSent >= HEARTBEAT_INTERVAL_MS) {
            controller.enqueue(encoder.encode(': heartbeat\n\n'));
          } else {
            continue;
          }
          lastSent = clock.now();
          return;
        }
      } catch (error) {
        onError(error);
        // A cancelled stream cannot be closed.
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

/** Has no id, so a client that reconnects sends the id of the last event of the log. */
function controlText({ progress }: QueueUpdate): string {
  return `event: progress\ndata: ${JSON.stringify(progress)}\n\n`;
}
