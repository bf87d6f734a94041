/**
 * The typed client of the API, for Node and browsers. Answers are trusted to be what the contract says: the server is of the
 * same release. Imports types only, so that it costs a page next to nothing.
 */

import { sseMessages } from '../core/sse.ts';
import type { Batch, BatchCreateInput } from '../schema/batch.ts';
import type { BatchSchedule, ScheduleCreateInput } from '../schema/batch-schedule.ts';
import type { Estimate } from '../schema/estimate.ts';
import type { JobEvent } from '../schema/events.ts';
import type { File as UploadedFile } from '../schema/file.ts';
import type { Job, Progress } from '../schema/job.ts';
import type { Problem } from '../schema/problem.ts';
import type { SummaryRequestInput } from '../schema/request.ts';
import type { TenantUsage } from '../schema/usage.ts';
import { send, type UploadBody } from './upload.ts';

/** A problem the server answered with, or one of its own making when there was no readable answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.problem = problem;
  }
}

export interface ClientOptions {
  /** Address of the server, without a path; default: the page's own. */
  readonly url?: string;
  readonly apiKey?: string;
  readonly fetch?: typeof fetch;
  /** Waits before reconnecting, in milliseconds; for tests. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface FollowOptions {
  /** Number of the last event that is known; default: none is. */
  readonly after?: number;
  readonly onPlace?: (progress: Progress) => void;
}

export interface JobPage {
  readonly data: readonly Job[];
  readonly next_cursor: string | null;
}

export interface BatchPage {
  readonly data: readonly Batch[];
  readonly has_more: boolean;
}

export interface FrameloomClient {
  /** Starts a job, or finds the one of an equal request. With `wait` answers when done, or after that many seconds. */
  createSummary(
    request: SummaryRequestInput,
    options?: CallOptions & { readonly idempotencyKey?: string; readonly wait?: number },
  ): Promise<Job>;
  getSummary(id: string, options?: CallOptions): Promise<Job>;
  listSummaries(
    options?: CallOptions & { readonly limit?: number; readonly cursor?: string },
  ): Promise<JobPage>;
  cancelSummary(id: string, options?: CallOptions): Promise<Job>;
  /** Runs again what is missing of a job with gaps, or of one that failed or was cancelled. */
  retrySummary(id: string, options?: CallOptions): Promise<Job>;
  deleteSummary(id: string, options?: CallOptions): Promise<void>;
  /**
   * The events of a job after id `after`, each once and in order, until the job has ended. Reconnects by itself; throws when
   * the server has not answered for a minute. `onPlace` gets the progress with the place in line while other jobs go first.
   */
  events(id: string, options?: CallOptions & FollowOptions): AsyncGenerator<JobEvent, void>;
  /** Uploads a file in a stream. `onProgress` gets the bytes sent so far. */
  uploadFile(
    body: UploadBody,
    filename: string,
    options?: CallOptions & {
      readonly purpose?: 'source' | 'batch';
      readonly onProgress?: (bytes: number) => void;
    },
  ): Promise<UploadedFile>;
  createBatch(
    request: BatchCreateInput,
    options?: CallOptions & { readonly idempotencyKey?: string },
  ): Promise<Batch>;
  getBatch(id: string, options?: CallOptions): Promise<Batch>;
  listBatches(
    options?: CallOptions & { readonly limit?: number; readonly after?: string },
  ): Promise<BatchPage>;
  changeBatch(id: string, change: { readonly max_in_flight: number }, options?: CallOptions): Promise<Batch>;
  /** Pauses, resumes, cancels or retries a batch. */
  tellBatch(id: string, what: 'pause' | 'resume' | 'cancel' | 'retry', options?: CallOptions): Promise<Batch>;
  /** Its output and error lines so far; once it has ended, one for each line of its input. */
  batchResults(id: string, options?: CallOptions): Promise<ReadableStream<Uint8Array>>;
  createSchedule(
    request: ScheduleCreateInput,
    options?: CallOptions & { readonly idempotencyKey?: string },
  ): Promise<BatchSchedule>;
  getSchedule(id: string, options?: CallOptions): Promise<BatchSchedule>;
  listSchedules(options?: CallOptions): Promise<readonly BatchSchedule[]>;
  /** Pauses or resumes a schedule of batches, or begins a batch of it now. */
  tellSchedule(
    id: string,
    what: 'pause' | 'resume' | 'trigger',
    options?: CallOptions,
  ): Promise<BatchSchedule>;
  /** Batches that it has begun go on. */
  deleteSchedule(id: string, options?: CallOptions): Promise<void>;
  deleteFile(id: string, options?: CallOptions): Promise<void>;
  /** Estimates what a job of this request would cost, and waits for it as long as it takes. */
  estimate(request: SummaryRequestInput, options?: CallOptions): Promise<Estimate>;
  /** What was spent, by default in this month. Times in seconds of Unix. */
  usage(options?: CallOptions & { readonly start?: number; readonly end?: number }): Promise<TenantUsage>;
  /** The sampler's decisions, one JSON object a line. */
  frames(id: string, options?: CallOptions): Promise<string>;
  /** A picture, by its number or by the `image` of a result or event. */
  frame(id: string, picture: number | string, options?: CallOptions): Promise<Blob>;
}

/** Longest time to reconnect without an answer, in milliseconds. */
const GIVE_UP_AFTER = 60_000;
/** A stream on which nothing comes for this long is dead, in milliseconds: the server sends something every 15 s. */
const DEAD_AFTER = 45_000;
/** Time between two looks at an estimate that takes long, in milliseconds. */
const ESTIMATE_POLL = 1000;
const RECONNECT_DELAYS = [250, 500, 1000, 2000] as const;

/** A client of the server at `options.url`. Its calls throw ApiError. */
export function createClient(options: ClientOptions = {}): FrameloomClient {
  const base = (options.url ?? '').replace(/\/+$/, '');
  const doFetch = options.fetch ?? fetch;
  const sleep =
    options.sleep ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)));
  const authorization: Record<string, string> =
    options.apiKey === undefined ? {} : { Authorization: `Bearer ${options.apiKey}` };

  async function call(path: string, init: RequestInit & CallOptions = {}): Promise<Response> {
    let response: Response;
    try {
      response = await doFetch(base + path, { ...init, headers: { ...authorization, ...init.headers } });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new ApiError(unreachable(), { cause: error });
    }
    if (!response.ok) throw new ApiError(await problemOf(response));
    return response;
  }

  async function json<T>(path: string, init?: RequestInit & CallOptions): Promise<T> {
    return (await (await call(path, init)).json()) as T; // the contract says so
  }

  async function* events(
    id: string,
    { signal, after = -1, onPlace }: CallOptions & FollowOptions = {},
  ): AsyncGenerator<JobEvent, void> {
    let seen = after;
    let failures = 0;
    let lastContact = Date.now();
    for (;;) {
      const dead = new AbortController();
      const watch = (): ReturnType<typeof setTimeout> => setTimeout(() => dead.abort(), DEAD_AFTER);
      let timer = watch();
      const onBytes = (): void => {
        lastContact = Date.now();
        clearTimeout(timer);
        timer = watch();
      };
      try {
        const response = await call(`/v1/summaries/${id}/events`, {
          headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(seen) },
          signal: signal ? AbortSignal.any([signal, dead.signal]) : dead.signal,
        });
        onBytes();
        if (response.status === 204 || !response.body) return;
        for await (const { id: number, event: type, data } of sseMessages(response.body, onBytes)) {
          failures = 0;
          if (number === undefined) {
            if (type === 'progress') onPlace?.(JSON.parse(data) as Progress); // the contract says so
            continue;
          }
          const event = JSON.parse(data) as JobEvent; // likewise
          if (event.id <= seen) continue;
          seen = event.id;
          // However long the caller takes, the server is not to blame.
          clearTimeout(timer);
          yield event;
          onBytes();
          if (event.type === 'job.completed' || event.type === 'job.failed' || event.type === 'job.cancelled')
            return;
        }
      } catch (error) {
        if (signal?.aborted) throw error;
        if (error instanceof ApiError && !error.problem.retryable) throw error;
        if (Date.now() - lastContact > GIVE_UP_AFTER) throw error;
      } finally {
        clearTimeout(timer);
      }
      await sleep(RECONNECT_DELAYS[Math.min(failures, RECONNECT_DELAYS.length - 1)] ?? 0);
      failures += 1;
    }
  }

  return {
    createSummary(request, { signal, idempotencyKey, wait } = {}) {
      return json<Job>(`/v1/summaries${wait === undefined ? '' : `?wait=${wait}`}`, {
        ...posted(request, idempotencyKey, signal),
      });
    },

    getSummary: (id, { signal } = {}) => json<Job>(`/v1/summaries/${id}`, pass(signal)),

    listSummaries({ signal, limit, cursor } = {}) {
      const query = new URLSearchParams();
      if (limit !== undefined) query.set('limit', String(limit));
      if (cursor !== undefined) query.set('cursor', cursor);
      return json<JobPage>(`/v1/summaries?${query}`, pass(signal));
    },

    cancelSummary: (id, { signal } = {}) =>
      json<Job>(`/v1/summaries/${id}/cancel`, { method: 'POST', ...pass(signal) }),

    retrySummary: (id, { signal } = {}) =>
      json<Job>(`/v1/summaries/${id}/retry`, { method: 'POST', ...pass(signal) }),

    async deleteSummary(id, { signal } = {}) {
      await call(`/v1/summaries/${id}`, { method: 'DELETE', ...pass(signal) });
    },

    events,

    async uploadFile(body, filename, { signal, purpose, onProgress } = {}) {
      const query = new URLSearchParams({ filename, ...(purpose ? { purpose } : {}) });
      const path = `/v1/files?${query}`;
      const answer = await send(body, {
        url: base + path,
        headers: authorization,
        fetch: doFetch,
        onProgress,
        signal,
      });
      if (!answer) throw new ApiError(unreachable());
      if (!answer.ok) throw new ApiError(await problemOf(answer));
      return (await answer.json()) as UploadedFile; // the contract says so
    },

    async deleteFile(id, { signal } = {}) {
      await call(`/v1/files/${id}`, { method: 'DELETE', ...pass(signal) });
    },

    async estimate(request, { signal } = {}) {
      let estimate = await json<Estimate>('/v1/estimates', posted(request, undefined, signal));
      while (estimate.status === 'pending') {
        await sleep(ESTIMATE_POLL);
        estimate = await json<Estimate>(`/v1/estimates/${estimate.id}`, pass(signal));
      }
      return estimate;
    },

    usage({ signal, start, end } = {}) {
      const query = new URLSearchParams();
      if (start !== undefined) query.set('start_time', String(start));
      if (end !== undefined) query.set('end_time', String(end));
      return json<TenantUsage>(`/v1/usage?${query}`, pass(signal));
    },

    createBatch: (request, { signal, idempotencyKey } = {}) =>
      json<Batch>('/v1/batches', posted(request, idempotencyKey, signal)),

    getBatch: (id, { signal } = {}) => json<Batch>(`/v1/batches/${id}`, pass(signal)),

    listBatches({ signal, limit, after } = {}) {
      const query = new URLSearchParams();
      if (limit !== undefined) query.set('limit', String(limit));
      if (after !== undefined) query.set('after', after);
      return json<BatchPage>(`/v1/batches?${query}`, pass(signal));
    },

    changeBatch: (id, change, { signal } = {}) =>
      json<Batch>(`/v1/batches/${id}`, { ...posted(change, undefined, signal), method: 'PATCH' }),

    tellBatch: (id, what, { signal } = {}) =>
      json<Batch>(`/v1/batches/${id}/${what}`, { method: 'POST', ...pass(signal) }),

    async batchResults(id, { signal } = {}) {
      const { body } = await call(`/v1/batches/${id}/results`, pass(signal));
      return body ?? new Blob([]).stream();
    },

    createSchedule: (request, { signal, idempotencyKey } = {}) =>
      json<BatchSchedule>('/v1/batch-schedules', posted(request, idempotencyKey, signal)),

    getSchedule: (id, { signal } = {}) => json<BatchSchedule>(`/v1/batch-schedules/${id}`, pass(signal)),

    listSchedules: async ({ signal } = {}) =>
      (await json<{ readonly data: readonly BatchSchedule[] }>('/v1/batch-schedules', pass(signal))).data,

    tellSchedule: (id, what, { signal } = {}) =>
      json<BatchSchedule>(`/v1/batch-schedules/${id}/${what}`, { method: 'POST', ...pass(signal) }),

    async deleteSchedule(id, { signal } = {}) {
      await call(`/v1/batch-schedules/${id}`, { method: 'DELETE', ...pass(signal) });
    },

    frames: async (id, { signal } = {}) => (await call(`/v1/summaries/${id}/frames`, pass(signal))).text(),

    async frame(id, picture, { signal } = {}) {
      const path = typeof picture === 'string' ? picture : `/v1/summaries/${id}/frames/${picture}.jpg`;
      return (await call(path, pass(signal))).blob();
    },
  };
}

function posted(
  body: unknown,
  idempotencyKey: string | undefined,
  signal: AbortSignal | undefined,
): RequestInit & CallOptions {
  return {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      'Content-Type': 'application/json',
      ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': quoted(idempotencyKey) }),
    },
    ...pass(signal),
  };
}

/** `signal` as a member only where there is one. */
function pass(signal: AbortSignal | undefined): CallOptions {
  return signal ? { signal } : {};
}

function quoted(key: string): string {
  return `"${key.replace(/["\\]/g, '\\$&')}"`;
}

async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json')) {
    const read = await response.json().catch(() => undefined);
    if (read !== undefined) return read as Problem; // the contract says so
  }
  // Something between us and the server has answered, such as a proxy.
  return {
    ...unreachable(),
    status: response.status,
    detail: `The server answered with status ${response.status}.`,
    retryable: response.status >= 500 || response.status === 429,
  };
}

function unreachable(): Problem {
  return {
    type: '/docs#error-unavailable',
    title: 'The service is not ready.',
    status: 503,
    detail: 'The server does not answer.',
    code: 'unavailable',
    hint: 'Check that it runs and that its address is right.',
    retryable: true,
    request_id: '',
  };
}
