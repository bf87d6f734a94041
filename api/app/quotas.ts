/**
 * What a tenant may still ask for. Requests are counted in this process alone; jobs and video by what the orchestrator knows, so that
 * these hold over all processes and restarts.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { NO_QUOTAS } from '../../config/quotas.ts';
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';
import type { AdmissionUsage } from '../../temporal/orchestrator.ts';
import type { ApiDeps } from './deps.ts';
import type { ApiEnv, QuotaState } from './env.ts';

const MINUTE = 60;
const DAY = 86_400;
/** When to ask again where only the end of a job makes room, in seconds. */
const SOME_JOB_ENDS = 10;
/** What a tenant's jobs have taken is looked up this often, in milliseconds. */
const LOOK_EVERY = 5000;

export interface QuotaGuard {
  /** Whether `admit` asks the orchestrator: with one call, except for each further thousand jobs of a tenant's day. */
  readonly limitsJobs: boolean;
  /** Counts the request, or refuses it with `rate_limited`. */
  readonly requests: MiddlewareHandler<ApiEnv>;
  /** Refuses another job with `quota_exceeded`. `uncounted`: one that does not count among the unfinished ones, as a batch. */
  admit(c: Context<ApiEnv>, uncounted?: 'uncounted'): Promise<void>;
}

export function createQuotaGuard({
  orchestrator,
  clock,
  quotas = NO_QUOTAS,
}: Pick<ApiDeps, 'orchestrator' | 'clock' | 'quotas'>): QuotaGuard {
  /** By tenant, of which there are as many as there are keys. */
  const minutes = new Map<string, { readonly minute: number; count: number }>();
  /** What was found, not the looking: at an edge it may end with the request that began it, and never tell others who wait for it. */
  const looks = new Map<string, { readonly at: number; readonly seconds: number }>();

  /** The numbers that the quotas need, by one call: a listing where video counts and is not known yet, else a count. */
  async function usageOf(tenant: string, now: number, needsJobs: boolean): Promise<AdmissionUsage> {
    const known = looks.get(tenant);
    const isFresh = known !== undefined && now - known.at < LOOK_EVERY && sameDay(known.at, now);
    if (quotas.videoSeconds === 0 || isFresh) {
      const unfinished = needsJobs ? await orchestrator.unfinished(tenant) : 0;
      return { unfinished, videoSeconds: known?.seconds ?? 0 };
    }
    const from = new Date(dayOf(now) * DAY * 1000).toISOString();
    const until = new Date(now + 1000).toISOString();
    const usage = await orchestrator.admissionUsage({ tenant, from, until });
    looks.set(tenant, { at: now, seconds: usage.videoSeconds });
    return usage;
  }

  return {
    limitsJobs: quotas.jobs > 0 || quotas.videoSeconds > 0,

    async requests(c, next) {
      if (quotas.requests > 0) {
        const now = clock.now() / 1000;
        const minute = Math.floor(now / MINUTE);
        const known = minutes.get(c.get('tenant'));
        const counter = known?.minute === minute ? known : { minute, count: 0 };
        counter.count += 1;
        minutes.set(c.get('tenant'), counter);
        const state: QuotaState = {
          name: 'requests',
          quota: quotas.requests,
          remaining: Math.max(0, quotas.requests - counter.count),
          window: MINUTE,
          reset: Math.ceil((minute + 1) * MINUTE - now),
        };
        note(c, state);
        if (counter.count > quotas.requests)
          refuse(c, state, 'rate_limited', `More than ${quotas.requests} requests in a minute.`);
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
        const state: QuotaState = { name: 'jobs', quota: quotas.jobs, remaining, reset: SOME_JOB_ENDS };
        note(c, state);
        if (unfinished >= quotas.jobs)
          refuse(c, state, 'quota_exceeded', `There are ${unfinished} unfinished jobs of ${quotas.jobs}.`);
      }
      if (quotas.videoSeconds > 0) {
        const state: QuotaState = {
          name: 'video-seconds',
          quota: quotas.videoSeconds,
          remaining: Math.max(0, Math.floor(quotas.videoSeconds - taken)),
          window: DAY,
          reset: Math.ceil((dayOf(now) + 1) * DAY - now / 1000),
        };
        note(c, state);
        if (taken >= quotas.videoSeconds)
          refuse(
            c,
            state,
            'quota_exceeded',
            `The ${quotas.videoSeconds} seconds of video of today are used.`,
          );
      }
    },
  };
}

function note(c: Context<ApiEnv>, state: QuotaState): void {
  c.set('quotas', [...(c.get('quotas') ?? []), state]);
}

function refuse(c: Context<ApiEnv>, { reset }: QuotaState, code: ErrorCode, detail: string): never {
  c.set('retryAfter', reset);
  throw new FrameloomError(code, detail);
}

/** Puts what was counted into the headers of an answer, also of one that refuses. */
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
  return Math.floor(milliseconds / 1000 / DAY);
}

function sameDay(a: number, b: number): boolean {
  return dayOf(a) === dayOf(b);
}
