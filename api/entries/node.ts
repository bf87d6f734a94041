/** The API on Node: the app behind an HTTP server with graceful shutdown. */
import { getRequestListener, RequestError } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { isLoopback } from '../../config/api-keys.ts';
import { listenError } from '../../config/listen-error.ts';
import { SettingsError } from '../../config/settings.ts';
import { startHttpServer } from '../../core/http-server.ts';
import { readProcessMetrics } from '../../core/process-metrics.ts';
import { createProblem } from '../../schema/problem.ts';
import { type ApiDeps, MAX_HEADER_LENGTH, MAX_URL_LENGTH, systemClock } from '../app/index.ts';
import { createApp } from '../create-app.ts';

export interface NodeApiOptions
  extends Omit<ApiDeps, 'clock' | 'clientAddress' | 'closing' | 'processMetrics'> {
  /** Address to listen on. Addresses other than loopback require `keys`. */
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
}

export interface RunningApi {
  /** Base URL, such as `http://127.0.0.1:8484`. */
  readonly url: string;
  readonly port: number;
  /**
   * Stops listening and ends event streams. Requests have 5 seconds to finish before their connections are
   * closed.
   */
  close(): Promise<void>;
}

/** Longest wait for the headers of a request. */
const HEADERS_TIMEOUT_MS = 15_000;
/** A connection without traffic for this long is closed. Event streams send something every 15 s. */
const IDLE_TIMEOUT_MS = 120_000;
/** Requests in progress have this long to finish when the server closes. */
const CLOSE_TIMEOUT_MS = 5000;

/**
 * Starts the server.
 *
 * @throws SettingsError without keys on an address other than loopback, or where the port cannot be used
 */
export async function startApi(options: NodeApiOptions): Promise<RunningApi> {
  const { host, port, ...deps } = options;
  if (deps.keys.length === 0 && !deps.gatewayTokens?.length && !isLoopback(host)) {
    throw new SettingsError('FRAMELOOM_API_KEYS is required to listen on any other address than localhost.');
  }
  const closing = new AbortController();
  const app = createApp({
    ...deps,
    clock: systemClock,
    clientAddress: (c) => getConnInfo(c).remote.address,
    closing: closing.signal,
    processMetrics: () => ({ ...readProcessMetrics() }),
  });
  const server = await startHttpServer({
    // Requests of HTTP/1.0 may have no host.
    listener: getRequestListener(app.fetch, { overrideGlobalObjects: false, hostname: host, errorHandler }),
    host,
    port,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    server: {
      maxHeaderSize: MAX_URL_LENGTH + 2 * MAX_HEADER_LENGTH,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Uploads may take hours. The idle timeout ends those that have stopped.
      requestTimeout: 0,
    },
  }).catch((error: unknown) => {
    throw listenError(error, host, port);
  });
  return {
    url: server.url,
    port: server.port,
    close() {
      closing.abort();
      server.closeConnectionsAfter(CLOSE_TIMEOUT_MS);
      return server.drain();
    },
  };
}

/** The response to a request that the app does not get, because its URL or host is malformed. */
function errorHandler(error: unknown): Response {
  const id = `req_${crypto.randomUUID()}`;
  const body =
    error instanceof RequestError
      ? createProblem('invalid_request', 'The URL or host is malformed.', id)
      : createProblem('internal', 'An unexpected error occurred.', id);
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'Content-Type': 'application/problem+json', 'X-Request-Id': id },
  });
}
