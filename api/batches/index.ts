export { batchStatus, batchView, memoOfNextRound } from './batch-view.ts';
export { batchFingerprint, findLines, TAKE_IN_REFUSALS, takeIn } from './ingest-batch.ts';
