/** The variables of a request, and the type of the app. */
import type { OpenAPIHono } from '@hono/zod-openapi';

/** A quota and its remaining amount, for the headers of draft-ietf-httpapi-ratelimit-headers. */
export interface QuotaState {
  readonly name: 'requests' | 'jobs' | 'video-seconds';
  readonly quota: number;
  readonly remaining: number;
  /** Length of the window in seconds. Absent for concurrent jobs. */
  readonly window?: number;
  /** Seconds until the remaining amount grows. */
  readonly reset: number;
}

export interface ApiEnv {
  Variables: {
    requestId: string;
    tenant: string;
    /** The quotas that were checked for this request. */
    quotas?: readonly QuotaState[];
    /** Seconds to wait before a rejected request is repeated. */
    retryAfter?: number;
  };
}

export type Api = OpenAPIHono<ApiEnv>;
