/** Client for the HTTP API of Hugging Face or a mirror. */
import type { z } from 'zod';
import { WeightsError } from './errors.ts';
import { createHttpClient, escapePath, type HttpResponse, type ProxyOptions, readText } from './http.ts';

/** Options of `createHubClient`. */
export interface HubClientOptions {
  /** Base URL: `https://huggingface.co`, or that of a mirror, which may include a path. */
  readonly endpoint: string;
  /** Access token. Sent only to the origin of `endpoint`, not to the targets of redirects. */
  readonly token?: string | undefined;
  readonly proxy?: ProxyOptions;
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
  ): Promise<HttpResponse>;
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

/** Maximum size of a response of the API. A listing of a thousand files has about 400 kB. */
const MAX_API_BYTES = 16 * 2 ** 20;

/**
 * Creates a client for `options.endpoint`. No connection is opened yet.
 *
 * @throws WeightsError `rejected` if a proxy is not a valid URL.
 */
export function createHubClient({ endpoint, token, proxy }: HubClientOptions): HubClient {
  const base = new URL(endpoint.endsWith('/') ? endpoint : `${endpoint}/`);
  const client = createHttpClient(proxy);
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  return {
    host: base.host,

    openFile(repository, revision, path, from, signal) {
      const url = `${escapePath(repository)}/resolve/${escapePath(revision)}/${escapePath(path)}`;
      return client.get(new URL(url, base), { from, authorization, signal });
    },

    async fetchJson(path, schema, signal) {
      const response = await client.get(new URL(path, base), { authorization, signal });
      const text = await readText(response, base.host, MAX_API_BYTES);
      try {
        return { value: schema.parse(JSON.parse(text)), next: nextPage(response.header('link'), base) };
      } catch (cause) {
        throw new WeightsError('listing', `${base.host} does not list the repository as expected.`, {
          cause,
        });
      }
    },

    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The `next` link (RFC 8288), if it has the same origin. */
function nextPage(link: string | undefined, base: URL): string | undefined {
  const target = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, base)) return undefined;
  const url = new URL(target, base);
  return url.origin === base.origin ? url.href : undefined;
}
