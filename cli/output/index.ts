export { batchView, counts } from './batch-progress.ts';
export { jsonLog } from './json-log.ts';
export { type ProgressView, progressView } from './progress.ts';
export { resultText } from './result-text.ts';
export { type TransferView, transferView } from './transfer-view.ts';
