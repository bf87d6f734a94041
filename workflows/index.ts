/** The workflows a worker runs. The bundle begins here. */
export { batch } from './batch.ts';
export { collectGarbage } from './collect-garbage.ts';
export { estimate } from './estimate.ts';
export { fireBatch } from './fire-batch.ts';
export { summarize } from './summarize.ts';
