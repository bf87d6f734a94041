/** Says that an activity is alive while it works, and learns in return whether it is still wanted. */
import { Context } from '@temporalio/activity';

/** Milliseconds. Well under the heartbeat timeout of 10 s; a cancel request comes with the answer to a beat, so this bounds its way. */
const BEAT = 400;

/**
 * Runs `work` with heartbeats on a timer. `signal` aborts on cancel, on shutdown of the worker and when the server no longer knows
 * the attempt; the error then thrown is the one Temporal expects, whatever `work` made of the abort.
 */
export async function withHeartbeat<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), BEAT);
  context.heartbeat();
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    if (context.cancellationSignal.aborted) throw await context.cancelled.catch((reason: unknown) => reason);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
