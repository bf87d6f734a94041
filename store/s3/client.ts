/**
 * Signed requests to one bucket with bounded retries. Requires only `fetch` and WebCrypto, and therefore runs
 * on Node, in Lambda and at the edge. All requests of the store are repeatable: bodies are in memory, the
 * client chooses names, and a repeated conditional write returns the same response as one that lost against
 * another writer.
 */
import { AwsV4Signer } from 'aws4fetch';
import { retry } from '../../core/retry.ts';
import { isRetryable, S3Failure, S3Interrupted } from './failure.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Options {
  /** Such as `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Whether the bucket is in the path of URLs. Otherwise it is the first label of the host name. */
  readonly pathStyle: boolean;
  /** Called before each request, because credentials may expire. */
  readonly credentials: () => Promise<S3Credentials> | S3Credentials;
  readonly fetch?: typeof fetch;
  readonly limits?: Partial<S3Limits>;
}

export interface S3Limits {
  /** Maximum number of attempts of a request. */
  readonly attempts: number;
  /** Timeout for the response headers, in addition to the time for sending the body. */
  readonly responseTimeoutMs: number;
  /** Timeout between two chunks of a response body. */
  readonly idleTimeoutMs: number;
  /** Wait before the second attempt. It doubles with each attempt up to `MAX_WAIT_MS`, with jitter. */
  readonly firstBackoffMs: number;
  /** Minimum upload rate, in bytes per millisecond. It determines the time for sending a body. */
  readonly minBytesPerMs: number;
}

const DEFAULT_LIMITS: S3Limits = {
  attempts: 5,
  responseTimeoutMs: 20_000,
  idleTimeoutMs: 30_000,
  firstBackoffMs: 100,
  minBytesPerMs: 100,
};

/** Longest wait between two attempts, before jitter. A longer `Retry-After` is cut to it. */
export const MAX_WAIT_MS = 5000;

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Key of an object. Undefined for a request to the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /**
   * Hex SHA-256 of the body, if known. It is signed, so that the server rejects a body that was damaged in
   * transit.
   */
  readonly bodySha256?: string;
  /** Statuses other than 2xx that are not failures. */
  readonly acceptedStatuses?: readonly number[];
  /** Timeout for all attempts together. */
  readonly timeoutMs?: number;
}

export interface S3Client {
  readonly limits: S3Limits;
  /** Sends a request. The body of the response is not read yet. @throws S3Failure, S3Interrupted. */
  send(request: S3Request): Promise<Response>;
  /**
   * Sends a request and reads the response body as text, within the same attempts. @throws S3Failure,
   * S3Interrupted.
   */
  text(request: S3Request): Promise<string>;
  /** Returns a presigned URL that is valid for `seconds`, for a request with exactly these `headers`. */
  sign(
    method: 'GET' | 'PUT',
    key: string,
    seconds: number,
    query?: S3Request['query'],
    headers?: S3Request['headers'],
  ): Promise<string>;
}

/** Creates a client. Sends no request yet. */
export function createS3Client(options: S3Options): S3Client {
  const context: RequestContext = {
    options,
    fetchFn: options.fetch ?? fetch,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    signingKeys: new Map(),
  };
  const { limits } = context;

  async function sendWithRetries<T>(
    s3Request: S3Request,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const deadline = Date.now() + (s3Request.timeoutMs ?? Number.POSITIVE_INFINITY);
    return await retry(
      async () =>
        await read(
          await sendOnce(context, s3Request, Math.min(limits.responseTimeoutMs, deadline - Date.now())),
        ),
      {
        attempts: limits.attempts,
        backoff: { firstMs: limits.firstBackoffMs, maxMs: MAX_WAIT_MS },
        deadline,
        isRetryable,
        waitMs(error, backoff) {
          const retryAfterMs = error instanceof S3Failure ? (error.retryAfterMs ?? 0) : 0;
          return Math.max(Math.min(retryAfterMs, MAX_WAIT_MS), backoff);
        },
      },
    );
  }

  return {
    limits,
    send: (s3Request) => sendWithRetries(s3Request, (response) => Promise.resolve(response)),
    text: (s3Request) =>
      sendWithRetries(s3Request, (response) => readText(s3Request.method, response, limits.idleTimeoutMs)),

    async sign(method, key, seconds, query = {}, headers = {}) {
      const url = objectUrl(options, key, { ...query, 'X-Amz-Expires': String(seconds) });
      const credentials = await options.credentials();
      const signed = await new AwsV4Signer({
        ...credentials,
        service: 's3',
        region: options.region,
        method,
        url: url.href,
        headers,
        allHeaders: true, // `content-length` is not signed otherwise
        signQuery: true,
      }).sign();
      return signed.url.href;
    },
  };
}

/** What all requests of a client share. */
interface RequestContext {
  readonly options: S3Options;
  readonly fetchFn: typeof fetch;
  readonly limits: S3Limits;
  /** Derived signing keys, one per day. */
  readonly signingKeys: Map<string, ArrayBuffer>;
}

/** URL of an object, or of the bucket if the key is empty. */
function objectUrl(
  { endpoint, bucket, pathStyle }: S3Options,
  key: string,
  query: Readonly<Record<string, string>>,
): URL {
  const url = new URL(endpoint);
  const path = pathStyle ? `/${bucket}/${key}` : `/${key}`;
  if (!pathStyle) url.hostname = `${bucket}.${url.hostname}`;
  url.pathname = `${url.pathname.replace(/\/$/, '')}${key === '' ? path.replace(/\/$/, '') || '/' : path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** A single attempt. @throws S3Failure, S3Interrupted. */
async function sendOnce(
  { options, fetchFn, limits, signingKeys }: RequestContext,
  s3Request: S3Request,
  timeoutMs: number,
): Promise<Response> {
  const { method, key = '', query = {}, headers, body, bodySha256, acceptedStatuses = [] } = s3Request;
  const url = objectUrl(options, key, query);
  const hash = bodySha256 ?? (body ? await sha256(body) : EMPTY_SHA256);
  const signer = new AwsV4Signer({
    ...(await options.credentials()),
    service: 's3',
    region: options.region,
    cache: signingKeys,
    method,
    url: url.href,
    headers: { ...headers, 'x-amz-content-sha256': hash },
  });
  const signed = await signer.sign();
  signed.headers.set('accept-encoding', 'identity'); // not signed, because proxies change it
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs + (body?.byteLength ?? 0) / limits.minBytesPerMs);
  let response: Response;
  try {
    response = await fetchFn(signed.url, {
      method,
      headers: signed.headers,
      redirect: 'manual',
      signal: abort.signal,
      ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}), // never shared memory
    });
  } catch (error) {
    throw new S3Interrupted(`${method}: no response`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (response.ok || acceptedStatuses.includes(response.status)) return response;
  throw await S3Failure.of(method, response);
}

/** Reads a small response body. */
async function readText(operation: string, response: Response, idleTimeoutMs: number): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      response.text(),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('timeout')), idleTimeoutMs);
      }),
    ]);
  } catch (error) {
    await response.body?.cancel().catch(() => undefined); // locked while it is read
    throw new S3Interrupted(`${operation}: the response was incomplete`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Hex SHA-256 by WebCrypto. */
export async function sha256(data: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>); // never shared memory
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
