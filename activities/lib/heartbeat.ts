/** Heartbeats: an activity reports that it is alive, and learns of its cancellation. */
import { Context } from '@temporalio/activity';

/**
 * Well below the heartbeat timeout of 6 s. A cancellation arrives with the response to a heartbeat, so this
 * bounds its delay. Each heartbeat is a transaction of the server: at 0.4 s they took nearly half of its CPU
 * time.
 */
export const HEARTBEAT_INTERVAL_MS = 1000;

/** Details of the heartbeats of each running activity. The next attempt gets the latest details. */
const details = new WeakMap<Context, unknown>();

/**
 * Sends `detail` with every further heartbeat of an activity. It should be small: it is a hint to the next
 * attempt.
 */
export function setHeartbeatDetails(context: Context, detail: unknown): void {
  details.set(context, detail);
  context.heartbeat(detail);
}

/**
 * Runs `work` with heartbeats on a timer. `signal` aborts on cancellation, on shutdown of the worker and when
 * the server no longer knows the attempt. After an abort it throws the error that Temporal expects, whatever
 * `work` throws.
 */
export async function withHeartbeat<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  // An attempt repeats the details of the previous one until it has its own, because it may die before that.
  details.set(context, context.info.heartbeatDetails);
  const sendHeartbeat = (): void => context.heartbeat(details.get(context));
  const timer = setInterval(sendHeartbeat, HEARTBEAT_INTERVAL_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    if (context.cancellationSignal.aborted) throw await context.cancelled.catch((reason: unknown) => reason);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
