/** A client of Temporal's HTTP API for one namespace, with timeouts, retries and typed errors. */
import { FrameloomError } from '../../core/errors.ts';
import { retry } from '../../core/retry.ts';
import { READY_TIMEOUT_MS, RPC_TIMEOUT_MS } from '../wire.ts';

export interface TemporalHttpOptions {
  /**
   * Address of the API, such as `http://temporal:7243`. It may have a path, which `/api/v1` is appended to.
   */
  readonly url: string;
  readonly namespace: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly apiKey?: string;
  /** Timeout of one call including retries, in milliseconds. Default: 10 s. */
  readonly timeout?: number;
  /** For example a binding to a private network. Default: the `fetch` of the platform. */
  readonly fetch?: typeof fetch;
}

interface CallOptions {
  /** gRPC codes that are not failures: the call then returns undefined. */
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
  /** Returns whether the namespace is available. Never throws. */
  ready(): Promise<boolean>;
}

/** An error response that a retry does not repair. For the log only: the message may quote a query. */
export class TemporalHttpError extends Error {
  override readonly name = 'TemporalHttpError';
  readonly status: number;
  /** gRPC's, https://grpc.io/docs/guides/status-codes/ */
  readonly code: number | undefined;

  constructor(status: number, code: number | undefined, message: string) {
    super(`Temporal returned HTTP ${status}: ${message}`);
    this.status = status;
    this.code = code;
  }
}

export const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;
/** CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const TRANSIENT = new Set([1, 4, 8, 14]);

/** All calls are idempotent: starts and signals have a request id. */
const ATTEMPTS = 3;
const BACKOFF = { firstMs: 100, maxMs: 2000 } as const;

export function createTemporalHttpClient(options: TemporalHttpOptions): TemporalHttpClient {
  const { namespace, apiKey, timeout = RPC_TIMEOUT_MS } = options;
  // Called as a plain function: workerd rejects its `fetch` as a method of another object.
  const request = options.fetch ?? ((input: string, init: RequestInit) => fetch(input, init));
  const base = `${options.url.replace(/\/+$/, '')}/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
  };

  /** One attempt. The content type of the response is always `*`, so it is not checked. */
  async function once(address: string, init: RequestInit, within: number): Promise<unknown> {
    const signal = AbortSignal.timeout(Math.max(1, within));
    const response = await request(address, { ...init, headers, signal, redirect: 'manual' });
    const text = await response.text();
    const body = parsed(text);
    if (response.ok && body !== undefined) return body;
    const { code, message } = (body ?? {}) as { readonly code?: number; readonly message?: string }; // google.rpc.Status
    throw new TemporalHttpError(response.status, code, message ?? 'no readable response');
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
    return undefined; // an HTML page of a proxy
  }
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof TemporalHttpError)) return true; // no response
  return error.code === undefined ? error.status >= 500 || error.status === 429 : TRANSIENT.has(error.code);
}

function asUnavailable(error: unknown): unknown {
  if (isTransient(error)) {
    return new FrameloomError('unavailable', 'The orchestrator does not respond.', { cause: error });
  }
  const { code, status } = error as TemporalHttpError; // all others are transient
  if (code === UNAUTHENTICATED || code === PERMISSION_DENIED || status === 401 || status === 403) {
    return new FrameloomError('unavailable', 'The orchestrator rejects the credentials of this server.', {
      cause: error,
    });
  }
  // Not a response of Temporal.
  if (code === undefined) {
    return new FrameloomError(
      'unavailable',
      'The address of the orchestrator is not that of a Temporal server.',
      { cause: error },
    );
  }
  return error;
}
