/** Failures of a bucket: which are retryable, and their codes as errors of the store. */
import { parseRetryAfter } from '../../core/retry.ts';
import { StoreError, type StoreErrorCode } from '../artifact-store.ts';
import { elementText } from './xml.ts';

/** A response with an error status. The message has no URL, header or key, and may be logged. */
export class S3Failure extends Error {
  override readonly name = 'S3Failure';
  readonly status: number;
  /** The code in the body, such as `SlowDown`. Empty if there is none. */
  readonly code: string;
  /** Milliseconds that the server asks to wait before a retry. */
  readonly retryAfterMs: number | undefined;

  constructor(operation: string, status: number, code: string, retryAfterMs?: number) {
    super(`${operation}: HTTP ${status}${code === '' ? '' : ` ${code}`}`);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  static async of(operation: string, response: Response): Promise<S3Failure> {
    const text = await response.text().catch(() => ''); // incomplete body: the status is sufficient
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'));
    return new S3Failure(operation, response.status, elementText(text, 'Code') ?? '', retryAfterMs);
  }
}

/** A broken connection, or a timeout. */
export class S3Interrupted extends Error {
  override readonly name = 'S3Interrupted';
}

const FULL_CODES = new Set([
  'QuotaExceeded',
  'InsufficientCapacity',
  'InsufficientStorage',
  'XMinioStorageFull',
]);

/**
 * Codes with a 4xx status that are temporary: bytes damaged in transit, concurrent writers, a slow
 * connection.
 */
const RETRYABLE_CODES = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'ConditionalRequestConflict',
  'OperationAborted',
  'SlowDown',
]);

/** Whether the same request may succeed within seconds. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof S3Interrupted) return true;
  if (!(error instanceof S3Failure) || isFull(error)) return false;
  const { status, code } = error;
  return status >= 500 || status === 429 || status === 408 || status === 409 || RETRYABLE_CODES.has(code);
}

function isFull({ status, code }: S3Failure): boolean {
  return status === 507 || FULL_CODES.has(code);
}

/** Returns the StoreError for a failure of the bucket. Returns any other error unchanged. */
export function asStoreError(error: unknown): unknown {
  if (!(error instanceof S3Failure) && !(error instanceof S3Interrupted)) return error;
  const [code, message] = describe(error);
  return new StoreError(code, message, { cause: error });
}

function describe(error: S3Failure | S3Interrupted): readonly [StoreErrorCode, string] {
  if (error instanceof S3Interrupted) return ['unavailable', 'the bucket is not reachable'];
  if (isFull(error)) return ['full', 'the bucket is full'];
  if (error.status === 413 || error.code === 'EntityTooLarge')
    return ['too_large', 'the object is too large for the bucket'];
  if (error.status === 401 || error.status === 403)
    return ['unavailable', 'the bucket rejects the credentials'];
  if (error.code === 'NoSuchBucket') return ['unavailable', 'the bucket does not exist'];
  if (error.status === 301 || error.status === 307) return ['unavailable', 'the bucket is in another region'];
  return ['unavailable', `the bucket failed: ${error.message}`];
}
