export type { S3Credentials, S3Options } from './client.ts';
export { inspectBucket } from './inspect.ts';
export { createS3Store } from './s3-store.ts';
export type { IncrementalHash } from './upload.ts';
