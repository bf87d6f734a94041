/** The one table from failures of the store to codes of core/errors.ts. */
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import type { StoreError, StoreErrorCode } from './artifact-store.ts';

interface PublicError {
  readonly code: ErrorCode;
  /** For users. */
  readonly message: string;
}

const INTERNAL: PublicError = { code: 'internal', message: ERRORS.internal.title };
const CORRUPT: PublicError = { code: 'artifact_corrupt', message: 'A stored file is damaged.' };
const FULL: PublicError = { code: 'storage_full', message: 'The disk or bucket of the server is full.' };
const UNAVAILABLE: PublicError = {
  code: 'storage_unavailable',
  message: 'The artifact store is not available.',
};

/**
 * What a failure means while a request is handled (`request`), and while an activity runs (`job`). They
 * differ for two: an artifact that a request reads was recorded as present, one that a job reads is part of
 * its source; and a body that is too large belongs to the request, or is the source.
 */
const PUBLIC_ERRORS: Readonly<
  Record<StoreErrorCode, { readonly request: PublicError; readonly job: PublicError }>
> = {
  not_found: {
    request: { code: 'artifact_corrupt', message: 'A stored file is missing.' },
    job: { code: 'source_missing', message: 'A stored file that the job needs is missing.' },
  },
  too_large: {
    request: { code: 'payload_too_large', message: ERRORS.payload_too_large.title },
    job: { code: 'media_too_large', message: 'The source is larger than this server accepts.' },
  },
  corrupt: { request: CORRUPT, job: CORRUPT },
  full: { request: FULL, job: FULL },
  unavailable: { request: UNAVAILABLE, job: UNAVAILABLE },
  invalid_name: { request: INTERNAL, job: INTERNAL },
};

/** Code and user message of a failure of the store. The message of `error` itself is for developers. */
export function publicStoreError(error: StoreError, during: 'request' | 'job'): PublicError {
  return PUBLIC_ERRORS[error.code][during];
}
