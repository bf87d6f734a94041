/** Entry of the CPU worker as a function. Runs from `dist/deploy/lambda/worker.js` in its image (worker.Dockerfile). */
import { loadSettings } from '../../config/settings.ts';
import { createLambdaCpuWorker } from '../../workers/cpu/lambda-cpu-worker.ts';

export const handler = createLambdaCpuWorker(loadSettings(process.env));
