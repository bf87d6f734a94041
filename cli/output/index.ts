export { createBatchView, formatBatchCounts } from './batch-progress.ts';
export { createJsonLogger } from './json-logger.ts';
export { createProgressView, type ProgressView } from './progress.ts';
export { formatResult } from './result-text.ts';
export { createTransferView, type TransferView } from './transfer-view.ts';
