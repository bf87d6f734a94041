export { batchStatus, batchView, createRetryMemo } from './batch-view.ts';
export { batchFingerprint, findBatchFile, ingestBatch } from './ingest-batch.ts';
