/** Deletes expired artifacts. An interrupted collection continues at the same class. */
import { Context } from '@temporalio/activity';
import type { GarbageActivities } from '../schema/activities.ts';
import type { BlobStore } from '../store/artifact-store.ts';
import { type CollectProgress, collectGarbage, type LiveJobs } from '../store/collect.ts';
import type { Lifetimes } from '../store/lifetimes.ts';

const HEARTBEAT_INTERVAL_MS = 2000;

export interface CollectDeps {
  /** A store that does not renew lifetimes: a collection is not a use of artifacts. */
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
    const earlier = context.info.heartbeatDetails as CollectProgress | undefined; // sent by the heartbeats below
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
