/** The GPU worker: polls the `gpu` queue and is the parent of the model host, so that its own event loop stays free. */
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createGpuActivities } from '../activities/index.ts';
import { startModelHost } from '../phi3v/index.ts';
import type { Settings } from '../schema/settings.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';
import { createFolderStore } from '../store/folder-store.ts';
import { connect } from './connection.ts';
import { createLogger } from './log.ts';
import { resolveModel } from './models.ts';
import { runWorkers, type WorkerProcess } from './run.ts';

/**
 * Segments in hand at once. The model host does one thing at a time, so a second one would only wait here where another worker could
 * have it, and its waiting would count as time of the model.
 */
const SLOTS = 1;

/** Runs until `signal` aborts. Throws when the model cannot be loaded. */
export async function runGpuWorker(settings: Settings, process: WorkerProcess): Promise<void> {
  const logger = createLogger(settings.logLevel, 'worker-gpu');
  const { folder, profile } = await resolveModel(settings);
  const store = createFolderStore(join(settings.home, 'artifacts'));
  await using host = await startModelHost({
    folder,
    ...(settings.modelThreads === undefined ? {} : { threads: settings.modelThreads }),
  });
  logger.info('model loaded', {
    model: profile.name,
    revision: profile.revision,
    runtime: host.info.runtime,
  });
  const connection = await connect(settings, logger, process.signal);
  const worker = await Worker.create({
    connection,
    namespace: settings.temporalNamespace,
    taskQueue: TASK_QUEUES.gpu,
    activities: createGpuActivities({ store, profile, host }),
    maxConcurrentActivityTaskExecutions: SLOTS,
    // On shutdown the generation is stopped at once: its checkpoint is written and another worker continues.
    shutdownGraceTime: 0,
    shutdownForceTime: '10s',
    maxHeartbeatThrottleInterval: '400ms',
    defaultHeartbeatThrottleInterval: '400ms',
  });
  await runWorkers([worker], process);
  await connection.close();
}
