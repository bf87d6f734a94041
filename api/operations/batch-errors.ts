/** Error codes with which a request that carries the lines of a batch can be rejected. */
export const BATCH_ERRORS = [
  'invalid_request',
  'idempotency_conflict',
  'payload_too_large',
  'request_timeout',
  'unsupported_content_type',
  'not_found',
  'quota_exceeded',
  'unavailable',
  'storage_unavailable',
] as const;
