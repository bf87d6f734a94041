export { batchStatus, batchView, memoOfNextRound } from './batch-view.ts';
export { batchFingerprint, findLines, takeIn } from './ingest-batch.ts';
