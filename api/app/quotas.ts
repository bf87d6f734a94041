/**
 * Quotas per tenant. Requests are counted in this process only. Jobs and video seconds are read from the
 * orchestrator, so those quotas are the same for all processes and survive restarts.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { NO_QUOTAS } from '../../config/quotas.ts';
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';
import type { AdmissionUsage } from '../../temporal/orchestrator.ts';
import type { ApiDeps } from './deps.ts';
import type { ApiEnv, QuotaState } from './env.ts';

const MINUTE_S = 60;
const DAY_S = 86_400;
/** `Retry-After` if a request can succeed only after the end of another job. */
const JOB_QUOTA_RETRY_S = 10;
/** How long the video seconds of a tenant are cached. */
const VIDEO_USAGE_TTL_MS = 5000;

export interface QuotaGuard {
  /**
   * Whether `admit` calls the orchestrator: once, and once more for each further 1000 jobs of the tenant
   * today.
   */
  readonly limitsJobs: boolean;
  /** Middleware that counts requests. @throws FrameloomError `rate_limited` */
  readonly requests: MiddlewareHandler<ApiEnv>;
  /**
   * Checks whether another job can start. `uncounted` skips the quota of unfinished jobs, for batches.
   *
   * @throws FrameloomError `quota_exceeded`
   */
  admit(c: Context<ApiEnv>, uncounted?: 'uncounted'): Promise<void>;
}

type QuotaDeps = Pick<ApiDeps, 'orchestrator' | 'clock' | 'quotas'>;

export function createQuotaGuard(deps: QuotaDeps): QuotaGuard {
  const { clock, quotas = NO_QUOTAS } = deps;
  /** By tenant. Their number is bounded by the number of keys. */
  const minutes = new Map<string, { readonly minute: number; count: number }>();
  const usageOf = createUsageReader(deps);

  return {
    limitsJobs: quotas.jobs > 0 || quotas.videoSeconds > 0,

    async requests(c, next) {
      if (quotas.requests > 0) {
        const now = clock.now() / 1000;
        const minute = Math.floor(now / MINUTE_S);
        const known = minutes.get(c.get('tenant'));
        const counter = known?.minute === minute ? known : { minute, count: 0 };
        counter.count += 1;
        minutes.set(c.get('tenant'), counter);
        const state: QuotaState = {
          name: 'requests',
          quota: quotas.requests,
          remaining: Math.max(0, quotas.requests - counter.count),
          window: MINUTE_S,
          reset: Math.ceil((minute + 1) * MINUTE_S - now),
        };
        recordQuota(c, state);
        if (counter.count > quotas.requests)
          reject(c, state, 'rate_limited', `More than ${quotas.requests} requests in a minute.`);
      }
      await next();
    },

    async admit(c, uncounted) {
      const now = clock.now();
      const countsJobs = quotas.jobs > 0 && uncounted === undefined;
      if (!countsJobs && quotas.videoSeconds === 0) return;
      const { unfinished, videoSeconds: taken } = await usageOf(c.get('tenant'), now, countsJobs);
      if (countsJobs) {
        const remaining = Math.max(0, quotas.jobs - unfinished - 1);
        const state: QuotaState = { name: 'jobs', quota: quotas.jobs, remaining, reset: JOB_QUOTA_RETRY_S };
        recordQuota(c, state);
        if (unfinished >= quotas.jobs)
          reject(c, state, 'quota_exceeded', `There are ${unfinished} unfinished jobs of ${quotas.jobs}.`);
      }
      if (quotas.videoSeconds > 0) {
        const state: QuotaState = {
          name: 'video-seconds',
          quota: quotas.videoSeconds,
          remaining: Math.max(0, Math.floor(quotas.videoSeconds - taken)),
          window: DAY_S,
          reset: Math.ceil((dayOf(now) + 1) * DAY_S - now / 1000),
        };
        recordQuota(c, state);
        if (taken >= quotas.videoSeconds)
          reject(
            c,
            state,
            'quota_exceeded',
            `The ${quotas.videoSeconds} seconds of video of today are used.`,
          );
      }
    },
  };
}

/**
 * Returns a function that reads the usage with one call: a listing if video seconds must be read, otherwise a
 * count.
 */
function createUsageReader({ orchestrator, quotas = NO_QUOTAS }: QuotaDeps) {
  /**
   * By tenant. Values, not promises: at an edge a call can end with its request and leave others waiting
   * forever.
   */
  const videoUsage = new Map<string, { readonly at: number; readonly seconds: number }>();
  return async (tenant: string, now: number, needsJobs: boolean): Promise<AdmissionUsage> => {
    const known = videoUsage.get(tenant);
    const isFresh = known !== undefined && now - known.at < VIDEO_USAGE_TTL_MS && sameDay(known.at, now);
    if (quotas.videoSeconds === 0 || isFresh) {
      const unfinished = needsJobs ? await orchestrator.unfinished(tenant) : 0;
      return { unfinished, videoSeconds: known?.seconds ?? 0 };
    }
    const from = new Date(dayOf(now) * DAY_S * 1000).toISOString();
    const until = new Date(now + 1000).toISOString();
    const usage = await orchestrator.admissionUsage({ tenant, from, until });
    videoUsage.set(tenant, { at: now, seconds: usage.videoSeconds });
    return usage;
  };
}

function recordQuota(c: Context<ApiEnv>, state: QuotaState): void {
  c.set('quotas', [...(c.get('quotas') ?? []), state]);
}

function reject(c: Context<ApiEnv>, { reset }: QuotaState, code: ErrorCode, detail: string): never {
  c.set('retryAfter', reset);
  throw new FrameloomError(code, detail);
}

/** Adds the checked quotas to the headers of a response, also of a rejection. */
export function quotaHeaders(headers: Headers, c: Context<ApiEnv>): void {
  const states = c.get('quotas') ?? [];
  if (states.length > 0) {
    const policies = states.map(
      ({ name, quota, window }) => `"${name}";q=${quota}${window === undefined ? '' : `;w=${window}`}`,
    );
    headers.set('RateLimit-Policy', policies.join(', '));
    const left = states.map(({ name, remaining, reset }) => `"${name}";r=${remaining};t=${reset}`);
    headers.set('RateLimit', left.join(', '));
  }
  const retryAfter = c.get('retryAfter');
  if (retryAfter !== undefined) headers.set('Retry-After', String(retryAfter));
}

function dayOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1000 / DAY_S);
}

function sameDay(a: number, b: number): boolean {
  return dayOf(a) === dayOf(b);
}
