export { runWorkers, type WorkerLifecycle } from './run-workers.ts';
export { createScratchFolder } from './scratch.ts';
export { connectToTemporal } from './temporal-connection.ts';
