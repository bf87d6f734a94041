/** Says that an activity is alive while it works, and learns in return whether it is still wanted. */
import { Context } from '@temporalio/activity';

/**
 * Milliseconds between beats. Well under the heartbeat timeout of 6 s; a cancel request comes with the answer to a beat, so this bounds its
 * way. Each is a transaction of the server: with beats every 0.4 s they were nearly half of what it computed.
 */
export const HEARTBEAT_INTERVAL_MS = 1000;

/** What the beats of each running activity say. Its next attempt gets the last of it. */
const details = new WeakMap<Context, unknown>();

/** Lets every further beat of an activity carry `detail`: small, and no more than a hint to the next attempt. */
export function setHeartbeatDetails(context: Context, detail: unknown): void {
  details.set(context, detail);
  context.heartbeat(detail);
}

/**
 * Runs `work` with heartbeats on a timer. `signal` aborts on cancel, on shutdown of the worker and when the server no longer knows
 * the attempt; the error then thrown is the one Temporal expects, whatever `work` made of the abort.
 */
export async function withHeartbeat<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  // Until there is something new to say, an attempt passes on what it was told: it may die before it has begun.
  details.set(context, context.info.heartbeatDetails);
  const beat = (): void => context.heartbeat(details.get(context));
  const timer = setInterval(beat, HEARTBEAT_INTERVAL_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    if (context.cancellationSignal.aborted) throw await context.cancelled.catch((reason: unknown) => reason);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
