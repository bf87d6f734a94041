/** Removes what has outlived its lifetime; a collection that is cut off goes on at the class where it was. */
import { Context } from '@temporalio/activity';
import type { GarbageActivities } from '../schema/activities.ts';
import type { BlobStore } from '../store/artifact-store.ts';
import { type CollectProgress, collectGarbage, type LiveJobs } from '../store/collect.ts';
import type { Lifetimes } from '../store/lifetimes.ts';

/** Milliseconds between heartbeats. */
const HEARTBEAT_INTERVAL_MS = 2000;

export interface CollectDeps {
  /** The store as it is: looking after artifacts is no use of them. */
  readonly store: BlobStore;
  readonly lifetimes: Lifetimes;
  readonly liveJobs: () => Promise<LiveJobs>;
}

export function createCollectGarbage({
  store,
  lifetimes,
  liveJobs,
}: CollectDeps): GarbageActivities['collectGarbage'] {
  return async () => {
    const context = Context.current();
    const earlier = context.info.heartbeatDetails as CollectProgress | undefined; // only we beat here
    let progress = earlier;
    const timer = setInterval(() => context.heartbeat(progress), HEARTBEAT_INTERVAL_MS);
    try {
      return await collectGarbage({
        store,
        lifetimes,
        live: await liveJobs(),
        ...(earlier ? { from: earlier } : {}),
        onProgress(next) {
          progress = next;
          context.heartbeat(next);
          context.cancellationSignal.throwIfAborted();
        },
      });
    } catch (error) {
      if (context.cancellationSignal.aborted)
        throw await context.cancelled.catch((reason: unknown) => reason);
      throw error;
    } finally {
      clearInterval(timer);
    }
  };
}
