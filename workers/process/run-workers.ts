/** Runs Temporal workers until the process is to exit. */
import type { Worker } from '@temporalio/worker';

/** How the entry point of a process controls its worker. */
export interface WorkerLifecycle {
  /** Called once the worker polls its task queue. */
  readonly onReady: () => void;
  /** Aborts when the process is to exit: polling stops, checkpoints are written, and the worker returns. */
  readonly signal: AbortSignal;
}

/**
 * Returns when all workers have drained.
 *
 * @throws the error that ends any of them before that.
 */
export async function runWorkers(
  workers: readonly Worker[],
  { onReady, signal }: WorkerLifecycle,
): Promise<void> {
  const stop = (): void => {
    for (const worker of workers) {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    }
  };
  const running = Promise.all(
    workers.map((worker) =>
      worker.run().catch((error: unknown) => {
        stop();
        throw error;
      }),
    ),
  );
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  else onReady();
  await running;
}
