export { ApiError } from './api-error.ts';
export type { BatchPage } from './batches.ts';
export { createClient, type FrameloomClient } from './create-client.ts';
export type { StreamOptions } from './event-stream.ts';
export type { UploadFileOptions } from './files.ts';
export type { SummaryPage } from './summaries.ts';
export type { CallOptions, ClientOptions, IdempotencyOptions } from './transport.ts';
export type { UploadBody } from './upload-body.ts';
