/**
 * A shared-exclusive lock on the model of a worker: many generations run together, a suspect one runs alone.
 */

/** Releases the lock. To be called once. */
export type Release = () => void;

export interface ModelLock {
  /** Waits until no exclusive holder is left. Throws the reason of `signal` when that aborts before. */
  shared(signal: AbortSignal): Promise<Release>;
  /** Waits until no holder is left. Throws the reason of `signal` when that aborts before. */
  exclusive(signal: AbortSignal): Promise<Release>;
}

interface Waiter {
  readonly isExclusive: boolean;
  readonly onAcquire: () => void;
}

/** Creates a lock that is granted in the order of the calls, so an exclusive caller is never overtaken. */
export function createModelLock(): ModelLock {
  const waiters: Waiter[] = [];
  let holders = 0;
  let isHeldExclusively = false;

  function grant(): void {
    for (let next = waiters[0]; next !== undefined; next = waiters[0]) {
      if (isHeldExclusively || (next.isExclusive && holders > 0)) return;
      waiters.shift();
      holders += 1;
      isHeldExclusively = next.isExclusive;
      next.onAcquire();
    }
  }

  function release(): void {
    holders -= 1;
    isHeldExclusively = false;
    grant();
  }

  function acquire(isExclusive: boolean, signal: AbortSignal): Promise<Release> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const waiter: Waiter = {
        isExclusive,
        onAcquire() {
          signal.removeEventListener('abort', onAbort);
          resolve(release);
        },
      };
      const onAbort = (): void => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(signal.reason);
        grant(); // those behind it may have waited for it only
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiters.push(waiter);
      grant();
    });
  }

  return {
    shared: (signal) => acquire(false, signal),
    exclusive: (signal) => acquire(true, signal),
  };
}
