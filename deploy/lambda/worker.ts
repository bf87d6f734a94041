/** Entry of the CPU worker as a function. Runs from `dist/deploy/lambda/worker.js` in its image (worker.Dockerfile). */
import { loadSettings } from '../../schema/settings.ts';
import { createLambdaCpuWorker } from '../../workers/lambda-cpu.ts';

export const handler = createLambdaCpuWorker(loadSettings(process.env));
