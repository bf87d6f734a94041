export { runGpuWorker } from './gpu-worker.ts';
