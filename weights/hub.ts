/** A server that speaks Hugging Face's addresses: the hub itself or a mirror. The only code here that opens connections. */
import type { Readable } from 'node:stream';
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import type { z } from 'zod';
import { parseRetryAfter } from '../core/retry.ts';
import { WeightsError } from './errors.ts';
import { arriving, discard } from './response-body.ts';

export interface HubOptions {
  /** `https://huggingface.co`, or a mirror; a path in it stays in front of every address. */
  readonly endpoint: string;
  /** Sent to the endpoint's own origin only, never to where it redirects. */
  readonly token?: string | undefined;
  readonly proxy?: {
    readonly http?: string | undefined;
    readonly https?: string | undefined;
    /** Hosts, separated by commas, that are reached directly. */
    readonly no?: string | undefined;
  };
}

export interface HubBody {
  readonly status: 200 | 206 | 416;
  readonly header: (name: string) => string | undefined;
  /** Rejects with WeightsError `broken` where it ends early. */
  readonly body: AsyncIterable<Buffer> & { discard(): void };
}

export interface Hub extends AsyncDisposable {
  /** The host, for messages. */
  readonly host: string;
  /** A file of a repository, from byte `from` on where the server can. */
  file(
    repository: string,
    revision: string,
    path: string,
    from: number,
    signal: AbortSignal,
  ): Promise<HubBody>;
  /** An answer of the API, checked against `schema`, and the address of the next page of it. */
  api<T>(
    path: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<{ readonly value: T; readonly next: string | undefined }>;
}

const MAX_REDIRECTS = 5;
/** Milliseconds to connect, to the first byte, and between two bytes. */
const LIMITS = { connect: 15_000, headers: 60_000, body: 60_000 } as const;
/** Largest answer of the API: a listing of a thousand files has about 400 kB. */
const MAX_API_BYTES = 16 * 2 ** 20;

export function openHub(options: HubOptions): Hub {
  const base = new URL(options.endpoint.endsWith('/') ? options.endpoint : `${options.endpoint}/`);
  const agent = openAgent(options.proxy ?? {});

  async function get(start: URL, from: number, signal: AbortSignal): Promise<HubBody> {
    let target = start;
    for (let redirects = 0; ; redirects++) {
      const response = await send(agent, target, headersFor(target, base, options.token, from), signal);
      const next =
        response.statusCode >= 300 && response.statusCode < 400 ? response.headers.location : undefined;
      if (next === undefined) return accepted(response, target, target.origin === base.origin);
      discard(response.body);
      if (redirects === MAX_REDIRECTS) {
        throw new WeightsError('refused', `${base.host} redirects too many times.`);
      }
      target = redirected(String(next), target);
    }
  }

  return {
    host: base.host,

    file(repository, revision, path, from, signal) {
      return get(
        new URL(`${escapePath(repository)}/resolve/${escapePath(revision)}/${escapePath(path)}`, base),
        from,
        signal,
      );
    },

    async api(path, schema, signal) {
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

function openAgent(proxy: NonNullable<HubOptions['proxy']>): Dispatcher {
  try {
    return new EnvHttpProxyAgent({
      connect: { timeout: LIMITS.connect },
      headersTimeout: LIMITS.headers,
      bodyTimeout: LIMITS.body,
      // Empty instead of left out: the agent would read the environment by itself.
      httpProxy: withScheme(proxy.http),
      httpsProxy: withScheme(proxy.https),
      noProxy: proxy.no ?? '',
    });
  } catch (cause) {
    throw new WeightsError('refused', 'HTTPS_PROXY or HTTP_PROXY is not the address of a proxy.', { cause });
  }
}

/** `proxy:3128` is what many people write for `http://proxy:3128`. */
function withScheme(proxy: string | undefined): string {
  if (proxy === undefined || proxy === '') return '';
  return /^[a-z][a-z\d+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

function headersFor(target: URL, base: URL, token: string | undefined, from: number): Record<string, string> {
  return {
    'accept-encoding': 'identity', // a range, a size and a digest are of the bytes as they are
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
    const reason = reasonOf(cause);
    if (/CERT|SELF_SIGNED|ISSUER|SIGNATURE/.test(reason)) {
      throw new WeightsError('certificate', `The certificate of ${target.host} is not trusted (${reason}).`, {
        cause,
      });
    }
    throw new WeightsError('unreachable', `${target.host} does not answer (${reason}).`, { cause });
  }
}

/** A word for why a connection failed: Node's code where there is one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  return error.cause instanceof Error ? reasonOf(error.cause) : error.name;
}

function redirected(location: string, from: URL): URL {
  const target = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (target === undefined || !['http:', 'https:'].includes(target.protocol)) {
    throw new WeightsError('refused', `${from.host} redirects to something that is no web address.`);
  }
  return target;
}

/** `own`: the endpoint itself answered, not a host it redirected to. */
function accepted(response: Dispatcher.ResponseData, target: URL, own: boolean): HubBody {
  const { statusCode, headers, body } = response;
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  switch (statusCode) {
    case 200:
    case 206:
    case 416:
      return { status: statusCode, header, body: bodyOf(body, target.host) };
    default:
      discard(body);
      throw refusal(statusCode, header('retry-after'), target.host, own);
  }
}

function refusal(status: number, retryAfter: string | undefined, host: string, own: boolean): WeightsError {
  const answer = `${host} answers ${status}`;
  if (status === 408 || status === 429 || status >= 500) {
    const asked = parseRetryAfter(retryAfter);
    const detail = asked === undefined ? '' : ` and asks to wait ${Math.ceil(asked / 1000)} s`;
    return new WeightsError('busy', `${answer}${detail}.`, { retryAfterMs: asked });
  }
  if (status === 401 || status === 403) {
    // Addresses that the hub redirects to are signed for a while: asking the hub again brings a fresh one.
    return own
      ? new WeightsError('unauthorized', `${answer}: the repository is not open to this request.`)
      : new WeightsError('busy', `${answer}: its address is no longer valid.`);
  }
  if (status === 404 || status === 410) {
    return new WeightsError('not_found', `${answer}: it does not have this file or revision.`);
  }
  return new WeightsError('refused', `${answer}.`);
}

function bodyOf(body: Readable, host: string): HubBody['body'] {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* arriving(body);
      } catch (cause) {
        throw new WeightsError('broken', `The connection to ${host} broke (${reasonOf(cause)}).`, { cause });
      }
    },
    discard: () => discard(body),
  };
}

async function readText({ body }: HubBody, host: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_API_BYTES) throw new WeightsError('listing', `${host} answers too much.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The `next` link of RFC 8288, where it leads to the same origin. */
function nextPage(link: string | undefined, base: URL): string | undefined {
  const target = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, base)) return undefined;
  const url = new URL(target, base);
  return url.origin === base.origin ? url.href : undefined;
}

function escapePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
