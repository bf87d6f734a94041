/** HTTP requests with redirects and proxies. The only code of this module that opens connections. */
import type { Readable } from 'node:stream';
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { parseRetryAfter } from '../core/retry.ts';
import { WeightsError } from './errors.ts';
import { discard, readChunks } from './response-body.ts';

/** Proxies by scheme of the target, as in `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
export interface ProxyOptions {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** Hosts that are reached without a proxy, separated by commas. */
  readonly no?: string | undefined;
}

export interface HttpResponse {
  readonly status: 200 | 206 | 416;
  readonly header: (name: string) => string | undefined;
  /** Throws WeightsError `broken` if the connection breaks. */
  readonly body: AsyncIterable<Buffer> & { discard(): void };
}

export interface HttpRequest {
  /** First byte of the response. Default 0. */
  readonly from?: number;
  /** Value of the `authorization` header. Sent only to the origin of `url`, not to the targets of redirects. */
  readonly authorization?: string | undefined;
  readonly accept?: string;
  readonly signal: AbortSignal;
}

/** Disposing closes all connections. */
export interface HttpClient extends AsyncDisposable {
  /**
   * Requests `url` from byte `from`. The status is 200 if the server ignores ranges, and 416 if there is no
   * byte at `from`.
   *
   * @throws WeightsError `unreachable`, `certificate`, `unauthorized`, `not_found`, `busy`, `rejected`.
   */
  get(url: URL, request: HttpRequest): Promise<HttpResponse>;
}

const MAX_REDIRECTS = 5;
/** Maximum time to connect, to the response headers, and between two chunks of a body. */
const TIMEOUTS_MS = { connect: 15_000, headers: 60_000, body: 60_000 } as const;

/**
 * Creates a client. No connection is opened yet.
 *
 * @throws WeightsError `rejected` if a proxy is not a valid URL.
 */
export function createHttpClient(proxy: ProxyOptions = {}): HttpClient {
  const agent = createAgent(proxy);
  return {
    async get(url, { signal, ...options }) {
      let target = url;
      for (let redirects = 0; ; redirects++) {
        const isOrigin = target.origin === url.origin;
        const response = await send(agent, target, requestHeaders(options, isOrigin), signal);
        const next =
          response.statusCode >= 300 && response.statusCode < 400 ? response.headers.location : undefined;
        if (next === undefined) return acceptResponse(response, target, isOrigin);
        discard(response.body);
        if (redirects === MAX_REDIRECTS) {
          throw new WeightsError('rejected', `${url.host} redirects too many times.`);
        }
        target = resolveRedirect(String(next), target);
      }
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy();
    },
  };
}

function createAgent(proxy: ProxyOptions): Dispatcher {
  try {
    return new EnvHttpProxyAgent({
      connect: { timeout: TIMEOUTS_MS.connect },
      headersTimeout: TIMEOUTS_MS.headers,
      bodyTimeout: TIMEOUTS_MS.body,
      // Empty strings, because the agent would read undefined values from the environment.
      httpProxy: withScheme(proxy.http),
      httpsProxy: withScheme(proxy.https),
      noProxy: proxy.no ?? '',
    });
  } catch (cause) {
    throw new WeightsError('rejected', 'HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy.', { cause });
  }
}

/** Accepts `proxy:3128` for `http://proxy:3128`. */
function withScheme(proxy: string | undefined): string {
  if (proxy === undefined || proxy === '') return '';
  return /^[a-z][a-z\d+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

function requestHeaders(
  { from = 0, authorization, accept }: Omit<HttpRequest, 'signal'>,
  isOrigin: boolean,
): Record<string, string> {
  return {
    'accept-encoding': 'identity', // ranges, sizes and checksums apply to the uncompressed file
    'user-agent': 'frameloom',
    ...(accept === undefined ? {} : { accept }),
    ...(from > 0 ? { range: `bytes=${from}-` } : {}),
    ...(authorization !== undefined && isOrigin ? { authorization } : {}),
  };
}

async function send(
  agent: Dispatcher,
  target: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  try {
    return await request(target, { dispatcher: agent, headers, signal });
  } catch (cause) {
    const reason = failureReason(cause);
    if (/CERT|SELF_SIGNED|ISSUER|SIGNATURE/.test(reason)) {
      throw new WeightsError('certificate', `The certificate of ${target.host} is not trusted (${reason}).`, {
        cause,
      });
    }
    throw new WeightsError('unreachable', `${target.host} is not reachable (${reason}).`, { cause });
  }
}

/** A short reason for a failed connection: the code of Node if there is one. */
function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  return error.cause instanceof Error ? failureReason(error.cause) : error.name;
}

function resolveRedirect(location: string, from: URL): URL {
  const target = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (target === undefined || !['http:', 'https:'].includes(target.protocol)) {
    throw new WeightsError('rejected', `${from.host} redirects to an unsupported URL.`);
  }
  return target;
}

/** `isOrigin`: whether the response is from the requested origin and not from the target of a redirect. */
function acceptResponse(response: Dispatcher.ResponseData, target: URL, isOrigin: boolean): HttpResponse {
  const { statusCode, headers, body } = response;
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  switch (statusCode) {
    case 200:
    case 206:
    case 416:
      return { status: statusCode, header, body: wrapBody(body, target.host) };
    default:
      discard(body);
      throw errorForStatus(statusCode, header('retry-after'), target.host, isOrigin);
  }
}

function errorForStatus(
  status: number,
  retryAfter: string | undefined,
  host: string,
  isOrigin: boolean,
): WeightsError {
  const summary = `${host} returned HTTP ${status}`;
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfterMs = parseRetryAfter(retryAfter);
    const detail = retryAfterMs === undefined ? '' : ` with Retry-After: ${Math.ceil(retryAfterMs / 1000)} s`;
    return new WeightsError('busy', `${summary}${detail}.`, { retryAfterMs });
  }
  if (status === 401 || status === 403) {
    // Targets of redirects are signed URLs that expire. Another request to the origin returns a new one.
    return isOrigin
      ? new WeightsError('unauthorized', `${summary}: the token does not permit access to the repository.`)
      : new WeightsError('busy', `${summary}: the signed URL has expired.`);
  }
  if (status === 404 || status === 410) {
    return new WeightsError('not_found', `${summary}: no such file or revision.`);
  }
  return new WeightsError('rejected', `${summary}.`);
}

function wrapBody(body: Readable, host: string): HttpResponse['body'] {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* readChunks(body);
      } catch (cause) {
        throw new WeightsError('broken', `The connection to ${host} broke (${failureReason(cause)}).`, {
          cause,
        });
      }
    },
    discard: () => discard(body),
  };
}

/**
 * Returns the body of a response as text.
 *
 * @throws WeightsError `listing` above `maxBytes`.
 */
export async function readText({ body }: HttpResponse, host: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new WeightsError('listing', `${host} returned a response that is too large.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Escapes the segments of a path. */
export function escapePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
