/** Runs Temporal workers until the process is told to stop. */
import type { Worker } from '@temporalio/worker';

/** What the entry of a worker process gives it. */
export interface WorkerLifecycle {
  /** Called once the worker polls. */
  readonly onReady: () => void;
  /** Aborts when the process shall leave: polling stops, checkpoints are written, `run` answers. */
  readonly signal: AbortSignal;
}

/** Answers when all workers have drained. Throws what ends any of them before that. */
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
