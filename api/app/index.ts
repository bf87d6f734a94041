export { logRequests } from './access-log.ts';
export { authenticate } from './auth.ts';
export { systemClock } from './clock.ts';
export type { ApiDeps, Clock, Log, Throttle } from './deps.ts';
export type { Api, ApiEnv } from './env.ts';
export { parseGatewayTokens, TENANT_HEADER } from './gateway-auth.ts';
export { idempotencyHeader, idempotencyKey } from './idempotency-key.ts';
export { integerParam } from './integer-param.ts';
export { jsonBody, MAX_JSON_BYTES, readText } from './json-body.ts';
export {
  MAX_HEADER_LENGTH,
  MAX_URL_LENGTH,
  PAGE_POLICY,
  responseHeaders,
  validateRequest,
} from './limits.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { notFoundHandler } from './not-found-handler.ts';
export { describeError, errorHandler, problemResponse, problems, validationHook } from './problems.ts';
export { createQuotaGuard, type QuotaGuard } from './quotas.ts';
export { rateLimit } from './rate-limit.ts';
export { traceRequests } from './trace.ts';
