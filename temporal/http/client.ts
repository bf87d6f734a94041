/** Calls of Temporal's HTTP API: one namespace, bounded in time, tried again where that can help, with errors of ours. */
import { FrameloomError } from '../../core/errors.ts';
import { retry } from '../../core/retry.ts';
import { READY_TIMEOUT_MS, RPC_TIMEOUT_MS } from '../wire.ts';

export interface TemporalHttpOptions {
  /** Where the API is, such as `http://temporal:7243`; a path before `/api/v1` is kept. */
  readonly url: string;
  readonly namespace: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly apiKey?: string;
  /** Longest wait for the answer to one call, tries and pauses included, in milliseconds; by default 10 s. */
  readonly timeout?: number;
  /** A binding to a private network, for example; by default the platform's own. */
  readonly fetch?: typeof fetch;
}

interface CallOptions {
  /** gRPC codes that are answers and no failures; the answer is then undefined. */
  readonly expect?: readonly number[];
  readonly attempts?: number;
}

export interface TemporalHttpClient {
  get<T>(
    path: string,
    query?: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<T | undefined>;
  post<T = unknown>(path: string, body: object, options?: CallOptions): Promise<T | undefined>;
  /** Whether the namespace is there. Never throws. */
  ready(): Promise<boolean>;
}

/** An answer of the server that means neither success nor that it may be asked again. For the log only: it may quote a query. */
export class TemporalHttpError extends Error {
  override readonly name = 'TemporalHttpError';
  readonly status: number;
  /** gRPC's, https://grpc.io/docs/guides/status-codes/ */
  readonly code: number | undefined;

  constructor(status: number, code: number | undefined, message: string) {
    super(`Temporal answered with HTTP ${status}: ${message}`);
    this.status = status;
    this.code = code;
  }
}

export const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;
/** CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const TRANSIENT = new Set([1, 4, 8, 14]);

/** Every call can be repeated: starts and signals carry an id of their own. */
const ATTEMPTS = 3;
const BACKOFF = { firstMs: 100, maxMs: 2000 } as const;

export function createTemporalHttpClient(options: TemporalHttpOptions): TemporalHttpClient {
  const { namespace, apiKey, timeout = RPC_TIMEOUT_MS } = options;
  // Called as a function: workerd refuses its own `fetch` as a method of anything else.
  const request = options.fetch ?? ((input: string, init: RequestInit) => fetch(input, init));
  const base = `${options.url.replace(/\/+$/, '')}/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
  };

  /** One try. The answer's content type says nothing: it is always `*`. */
  async function once(address: string, init: RequestInit, within: number): Promise<unknown> {
    const signal = AbortSignal.timeout(Math.max(1, within));
    const response = await request(address, { ...init, headers, signal, redirect: 'manual' });
    const text = await response.text();
    const answer = parsed(text);
    if (response.ok && answer !== undefined) return answer;
    const { code, message } = (answer ?? {}) as { readonly code?: number; readonly message?: string }; // google.rpc.Status
    throw new TemporalHttpError(response.status, code, message ?? 'no readable answer');
  }

  async function call(
    path: string,
    query: Readonly<Record<string, string>>,
    init: RequestInit,
    { expect = [], attempts = ATTEMPTS }: CallOptions = {},
    within = timeout,
  ): Promise<unknown> {
    const address = `${base}${path}?noPayloadShorthand&${new URLSearchParams(query)}`;
    const deadline = Date.now() + within;
    const isExpected = (error: unknown): boolean =>
      error instanceof TemporalHttpError && error.code !== undefined && expect.includes(error.code);
    try {
      return await retry(() => once(address, init, deadline - Date.now()), {
        attempts,
        backoff: BACKOFF,
        deadline,
        isRetryable: (error) => isTransient(error) && !isExpected(error),
      });
    } catch (error) {
      if (isExpected(error)) return undefined;
      throw asUnavailable(error);
    }
  }

  return {
    async get<T>(path: string, query = {}, callOptions?: CallOptions) {
      return (await call(path, query, { method: 'GET' }, callOptions)) as T | undefined; // as the server documents it
    },

    async post<T>(path: string, body: object, callOptions?: CallOptions) {
      const init = { method: 'POST', body: JSON.stringify(body) };
      return (await call(path, {}, init, callOptions)) as T | undefined; // likewise
    },

    async ready() {
      return await call('', {}, { method: 'GET' }, { attempts: 1 }, READY_TIMEOUT_MS).then(
        () => true,
        () => false,
      );
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page
  }
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof TemporalHttpError)) return true; // no answer at all
  return error.code === undefined ? error.status >= 500 || error.status === 429 : TRANSIENT.has(error.code);
}

function asUnavailable(error: unknown): unknown {
  if (isTransient(error)) {
    return new FrameloomError('unavailable', 'The orchestrator does not answer.', { cause: error });
  }
  const { code, status } = error as TemporalHttpError; // all others are transient
  if (code === UNAUTHENTICATED || code === PERMISSION_DENIED || status === 401 || status === 403) {
    return new FrameloomError('unavailable', 'The orchestrator refuses this server.', { cause: error });
  }
  // No readable answer: what is there is not Temporal.
  if (code === undefined) {
    return new FrameloomError('unavailable', 'The orchestrator is not where it should be.', { cause: error });
  }
  return error;
}
