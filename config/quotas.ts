/** What each tenant may ask for; 0 means as much as it likes. */
export interface Quotas {
  /** Requests in a minute. */
  readonly requests: number;
  /** Unfinished jobs. */
  readonly jobs: number;
  /** Seconds of video in a day of UTC. */
  readonly videoSeconds: number;
}

export const NO_QUOTAS: Quotas = { requests: 0, jobs: 0, videoSeconds: 0 };
