/** What a request carries through the middleware, and the app of that kind. */
import type { OpenAPIHono } from '@hono/zod-openapi';

/** A quota and how it stands, for the headers of draft-ietf-httpapi-ratelimit-headers. */
export interface QuotaState {
  readonly name: 'requests' | 'jobs' | 'video-seconds';
  readonly quota: number;
  readonly remaining: number;
  /** Seconds over which it counts; of jobs, there is none. */
  readonly window?: number;
  /** Seconds until there is more of it. */
  readonly reset: number;
}

export interface ApiEnv {
  Variables: {
    requestId: string;
    tenant: string;
    /** How the quotas that were looked at stand. */
    quotas?: readonly QuotaState[];
    /** Seconds after which a refused request may be tried again. */
    retryAfter?: number;
  };
}

export type Api = OpenAPIHono<ApiEnv>;
