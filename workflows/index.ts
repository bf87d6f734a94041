/** The workflows that workers run: the entry point of the workflow bundle. */
export { batch } from './batch.ts';
export { collectGarbage } from './collect-garbage.ts';
export { estimate } from './estimate.ts';
export { fireBatch } from './fire-batch.ts';
export { summarize } from './summarize.ts';
