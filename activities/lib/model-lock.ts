/** Who may be with the model of a worker: many together, or one that is alone. */

export interface ModelLock {
  /**
   * Waits for its turn, in the order of asking; what it answers gives the turn back. Throws the reason of `signal` when that
   * aborts before.
   */
  enter(alone: boolean, signal: AbortSignal): Promise<() => void>;
}

export function createModelLock(): ModelLock {
  const waiting: { readonly alone: boolean; readonly begin: () => void }[] = [];
  let inside = 0;
  let alone = false;

  function admit(): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (alone || (next.alone && inside > 0)) return;
      waiting.shift();
      inside += 1;
      alone = next.alone;
      next.begin();
    }
  }

  function leave(): void {
    inside -= 1;
    alone = false;
    admit();
  }

  return {
    enter: (wantsAlone, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const turn = {
          alone: wantsAlone,
          begin: (): void => {
            signal.removeEventListener('abort', onAbort);
            resolve(leave);
          },
        };
        const onAbort = (): void => {
          waiting.splice(waiting.indexOf(turn), 1);
          reject(signal.reason);
          admit(); // those behind it may have waited for it only
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(turn);
        admit();
      }),
  };
}
