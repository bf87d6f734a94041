/** Entry of the CPU worker as a function. Its image (worker.Dockerfile) runs `dist/deploy/lambda/worker.js`. */
import { loadSettings } from '../../config/settings.ts';
import { createLambdaCpuWorker } from '../../workers/cpu/lambda-cpu-worker.ts';

export const handler = createLambdaCpuWorker(loadSettings(process.env));
