export { runWorkers, type WorkerProcess } from './run-workers.ts';
export { openScratch } from './scratch.ts';
export { connectToTemporal } from './temporal-connection.ts';
