/** Limits for each tenant. 0: unlimited. */
export interface Quotas {
  /** Requests per minute. */
  readonly requests: number;
  /** Unfinished jobs. */
  readonly jobs: number;
  /** Seconds of video per day (UTC). */
  readonly videoSeconds: number;
}

export const NO_QUOTAS: Quotas = { requests: 0, jobs: 0, videoSeconds: 0 };
