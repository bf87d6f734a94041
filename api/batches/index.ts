export { readBatchTexts } from './batch-texts.ts';
export { batchStatus, batchView, createRetryMemo } from './batch-view.ts';
export { batchFingerprint, findBatchFile, ingestBatch } from './ingest-batch.ts';
