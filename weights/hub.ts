/**
 * Client for the HTTP API of Hugging Face or a mirror. The only code of this module that opens connections.
 */
import type { Readable } from 'node:stream';
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import type { z } from 'zod';
import { parseRetryAfter } from '../core/retry.ts';
import { WeightsError } from './errors.ts';
import { discard, readChunks } from './response-body.ts';

/** Options of `createHubClient`. */
export interface HubClientOptions {
  /** Base URL: `https://huggingface.co`, or that of a mirror, which may include a path. */
  readonly endpoint: string;
  /** Access token. Sent only to the origin of `endpoint`, not to the targets of redirects. */
  readonly token?: string | undefined;
  readonly proxy?: {
    readonly http?: string | undefined;
    readonly https?: string | undefined;
    /** Hosts that are reached without a proxy, separated by commas. */
    readonly no?: string | undefined;
  };
}

export interface HubResponse {
  readonly status: 200 | 206 | 416;
  readonly header: (name: string) => string | undefined;
  /** Throws WeightsError `broken` if the connection breaks. */
  readonly body: AsyncIterable<Buffer> & { discard(): void };
}

/** Requests to the server. Disposing closes all connections. */
export interface HubClient extends AsyncDisposable {
  /** Host name and port, for messages. */
  readonly host: string;
  /**
   * Requests a file of a repository from byte `from`. The status is 200 if the server ignores ranges, and 416
   * if the file has no byte at `from`.
   *
   * @throws WeightsError `unreachable`, `certificate`, `unauthorized`, `not_found`, `busy`, `rejected`.
   */
  openFile(
    repository: string,
    revision: string,
    path: string,
    from: number,
    signal: AbortSignal,
  ): Promise<HubResponse>;
  /**
   * Requests `path` of the JSON API, and returns the validated response and the URL of its next page.
   *
   * @throws WeightsError as `openFile`, and `listing` if the response does not match `schema`.
   */
  fetchJson<T>(
    path: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<{ readonly value: T; readonly next: string | undefined }>;
}

const MAX_REDIRECTS = 5;
/** Maximum time to connect, to the response headers, and between two chunks of a body. */
const TIMEOUTS_MS = { connect: 15_000, headers: 60_000, body: 60_000 } as const;
/** Maximum size of a response of the API. A listing of a thousand files has about 400 kB. */
const MAX_API_BYTES = 16 * 2 ** 20;

/**
 * Creates a client for `options.endpoint`. No connection is opened yet.
 *
 * @throws WeightsError `rejected` if a proxy is not a valid URL.
 */
export function createHubClient(options: HubClientOptions): HubClient {
  const base = new URL(options.endpoint.endsWith('/') ? options.endpoint : `${options.endpoint}/`);
  const agent = createAgent(options.proxy ?? {});

  async function get(start: URL, from: number, signal: AbortSignal): Promise<HubResponse> {
    let target = start;
    for (let redirects = 0; ; redirects++) {
      const response = await send(agent, target, requestHeaders(target, base, options.token, from), signal);
      const next =
        response.statusCode >= 300 && response.statusCode < 400 ? response.headers.location : undefined;
      if (next === undefined) return acceptResponse(response, target, target.origin === base.origin);
      discard(response.body);
      if (redirects === MAX_REDIRECTS) {
        throw new WeightsError('rejected', `${base.host} redirects too many times.`);
      }
      target = resolveRedirect(String(next), target);
    }
  }

  return {
    host: base.host,

    openFile(repository, revision, path, from, signal) {
      return get(
        new URL(`${escapePath(repository)}/resolve/${escapePath(revision)}/${escapePath(path)}`, base),
        from,
        signal,
      );
    },

    async fetchJson(path, schema, signal) {
      const response = await get(new URL(path, base), 0, signal);
      const text = await readText(response, base.host);
      try {
        return { value: schema.parse(JSON.parse(text)), next: nextPage(response.header('link'), base) };
      } catch (cause) {
        throw new WeightsError('listing', `${base.host} does not list the repository as expected.`, {
          cause,
        });
      }
    },

    async [Symbol.asyncDispose]() {
      await agent.destroy();
    },
  };
}

function createAgent(proxy: NonNullable<HubClientOptions['proxy']>): Dispatcher {
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
  target: URL,
  base: URL,
  token: string | undefined,
  from: number,
): Record<string, string> {
  return {
    'accept-encoding': 'identity', // ranges, sizes and checksums apply to the uncompressed file
    'user-agent': 'frameloom',
    ...(from > 0 ? { range: `bytes=${from}-` } : {}),
    ...(token !== undefined && target.origin === base.origin ? { authorization: `Bearer ${token}` } : {}),
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

/** `isEndpoint`: whether the response is from the endpoint itself and not from the target of a redirect. */
function acceptResponse(response: Dispatcher.ResponseData, target: URL, isEndpoint: boolean): HubResponse {
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
      throw errorForStatus(statusCode, header('retry-after'), target.host, isEndpoint);
  }
}

function errorForStatus(
  status: number,
  retryAfter: string | undefined,
  host: string,
  isEndpoint: boolean,
): WeightsError {
  const summary = `${host} returned HTTP ${status}`;
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfterMs = parseRetryAfter(retryAfter);
    const detail = retryAfterMs === undefined ? '' : ` with Retry-After: ${Math.ceil(retryAfterMs / 1000)} s`;
    return new WeightsError('busy', `${summary}${detail}.`, { retryAfterMs });
  }
  if (status === 401 || status === 403) {
    // Targets of redirects are signed URLs that expire. Another request to the endpoint returns a new one.
    return isEndpoint
      ? new WeightsError('unauthorized', `${summary}: the token does not permit access to the repository.`)
      : new WeightsError('busy', `${summary}: the signed URL has expired.`);
  }
  if (status === 404 || status === 410) {
    return new WeightsError('not_found', `${summary}: no such file or revision.`);
  }
  return new WeightsError('rejected', `${summary}.`);
}

function wrapBody(body: Readable, host: string): HubResponse['body'] {
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

async function readText({ body }: HubResponse, host: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_API_BYTES)
      throw new WeightsError('listing', `${host} returned a response that is too large.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The `next` link (RFC 8288), if it has the same origin. */
function nextPage(link: string | undefined, base: URL): string | undefined {
  const target = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, base)) return undefined;
  const url = new URL(target, base);
  return url.origin === base.origin ? url.href : undefined;
}

function escapePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
