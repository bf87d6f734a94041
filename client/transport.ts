/** Requests of the client: addresses, headers, JSON and errors. */
import type {
  Endpoint,
  EndpointBody,
  EndpointParam,
  EndpointQuery,
  EndpointResponse,
} from '../api/contract.ts';
import { responseError, unreachableError } from './api-error.ts';

export interface ClientOptions {
  /** Base URL of the server, without a path. In a browser the default is the origin of the page. */
  readonly url?: string | undefined;
  /** Sent as `Authorization: Bearer <key>`. */
  readonly apiKey?: string | undefined;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Replaces the timer between attempts, in milliseconds, for tests. */
  readonly sleep?: ((milliseconds: number) => Promise<void>) | undefined;
}

export interface CallOptions {
  /** Aborts the request. The call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

export interface IdempotencyOptions {
  /** Requests with the same key are one job, batch or schedule, so that a request can be repeated safely. */
  readonly idempotencyKey?: string | undefined;
}

/** The variable parts of a request to endpoint `E`. */
type RequestInput<E extends Endpoint> = CallOptions &
  IdempotencyOptions & {
    readonly params?: Readonly<Record<EndpointParam<E>, string>>;
    readonly query?: EndpointQuery<E>;
    readonly body?: EndpointBody<E>;
    readonly headers?: Readonly<Record<string, string>>;
  };

export interface Transport {
  readonly fetch: typeof fetch;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** The address of an endpoint. */
  address<E extends Endpoint>(endpoint: E, input: Pick<RequestInput<E>, 'params' | 'query'>): string;
  /** Sends a request. @throws ApiError if the response is not successful, or there is none */
  send<E extends Endpoint>(endpoint: E, input: RequestInput<E>): Promise<Response>;
  /** Sends a request and reads the response as JSON. @throws ApiError */
  json<E extends Endpoint>(endpoint: E, input: RequestInput<E>): Promise<EndpointResponse<E>>;
  /** The method of a client that sends a request with nothing but an `id` in its path. */
  jsonById<E extends Endpoint>(
    endpoint: E,
  ): (id: string, options?: CallOptions) => Promise<EndpointResponse<E>>;
  /** The method of a client that returns the content of a resource as a stream. */
  streamById(
    endpoint: StreamEndpoint,
  ): (id: string, options?: CallOptions) => Promise<ReadableStream<Uint8Array>>;
  /** The method of a client that deletes the resource with an `id`. */
  deleteById(endpoint: DeleteEndpoint): (id: string, options?: CallOptions) => Promise<void>;
}

type StreamEndpoint = 'GET /v1/files/{id}/content' | 'GET /v1/batches/{id}/results';
type DeleteEndpoint = Extract<Endpoint, `DELETE ${string}`>;

export function createTransport(options: ClientOptions): Transport {
  const base = (options.url ?? '').replace(/\/+$/, '');
  const doFetch = options.fetch ?? fetch;
  const headers: Readonly<Record<string, string>> =
    options.apiKey === undefined ? {} : { Authorization: `Bearer ${options.apiKey}` };

  async function request(url: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await doFetch(url, { ...init, headers: { ...headers, ...init.headers } });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw unreachableError(error);
    }
    if (!response.ok) throw await responseError(response);
    return response;
  }

  const transport: Transport = {
    fetch: doFetch,
    headers,
    sleep: options.sleep ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),

    address: (endpoint, { params = {}, query = {} }) => `${base}${pathOf(endpoint, params)}${queryOf(query)}`,

    send: (endpoint, { body, signal, idempotencyKey, headers: extra, ...input }) =>
      request(transport.address(endpoint, input), {
        method: endpoint.replace(/ .*/, ''),
        headers: {
          ...extra,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(idempotencyKey !== undefined && { 'Idempotency-Key': quoted(idempotencyKey) }),
        },
        signal: signal ?? null,
        body: JSON.stringify(body), // undefined without a body
      }),

    // The server is of the same release, so its responses are not validated again.
    json: async (id, input) =>
      (await (await transport.send(id, input)).json()) as EndpointResponse<typeof id>,

    jsonById: (endpoint) => (id, call) => transport.json(endpoint, { params: { id }, ...call } as never), // `id` is the only parameter

    streamById: (endpoint) => async (id, call) =>
      (await transport.send(endpoint, { params: { id }, ...call })).body ?? new Blob([]).stream(),

    deleteById: (endpoint) => async (id, call) => {
      await transport.send(endpoint, { params: { id }, ...call });
    },
  };
  return transport;
}

function pathOf(endpoint: Endpoint, params: Readonly<Record<string, string>>): string {
  return endpoint
    .replace(/.* /, '')
    .replace(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(params[name] ?? ''));
}

function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, `${value}`]],
  );
  return given.length > 0 ? `?${new URLSearchParams(given)}` : '';
}

/** A string of RFC 9651. */
function quoted(key: string): string {
  return `"${key.replace(/["\\]/g, '\\$&')}"`;
}
