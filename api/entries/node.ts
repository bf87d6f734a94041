/** The API on Node: the app behind an HTTP server that ends in order. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { isLoopback } from '../../config/api-keys.ts';
import { SettingsError } from '../../config/settings.ts';
import { type ApiDeps, MAX_HEADER_LENGTH, MAX_URL_LENGTH, systemClock } from '../app/index.ts';
import { createApp } from '../create-app.ts';

export interface NodeApiOptions extends Omit<ApiDeps, 'clock' | 'closing' | 'processFigures'> {
  /** Address to listen on. Any but a loopback one requires `keys`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface RunningApi {
  /** Where it answers, such as `http://127.0.0.1:8484`. */
  readonly url: string;
  readonly port: number;
  /** Stops listening, ends event streams, lets requests under way finish for a moment, and cuts what is left. */
  close(): Promise<void>;
}

/** Longest wait for the headers of a request, in milliseconds. */
const HEADERS_TIMEOUT = 15_000;
/** A connection on which nothing moves for this long is cut, in milliseconds. Event streams send something every 15 s. */
const IDLE_TIMEOUT = 120_000;
/** Time requests under way have to finish when the server closes, in milliseconds. */
const CLOSE_TIMEOUT = 5000;
/** While it closes, connections that have become idle are cut this often, in milliseconds. */
const IDLE_SWEEP = 50;

/** Starts the server. Throws SettingsError when it would be open to others without keys, and what `listen` throws. */
export async function startApi(options: NodeApiOptions): Promise<RunningApi> {
  const { host, port, ...deps } = options;
  if (deps.keys.length === 0 && !deps.gatewayTokens?.length && !isLoopback(host)) {
    throw new SettingsError('FRAMELOOM_API_KEYS is required to listen on any other address than localhost.');
  }
  const closing = new AbortController();
  const startedAt = Date.now() / 1000;
  const app = createApp({
    ...deps,
    clock: systemClock,
    closing: closing.signal,
    processFigures: () => processFigures(startedAt),
  });
  const server = createServer(
    {
      maxHeaderSize: MAX_URL_LENGTH + 2 * MAX_HEADER_LENGTH,
      headersTimeout: HEADERS_TIMEOUT,
      // Uploads may take hours; the idle timeout catches those that have stopped.
      requestTimeout: 0,
    },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  );
  server.setTimeout(IDLE_TIMEOUT);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo; // it listens on TCP
  const name = host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host;
  let closed: Promise<void> | undefined;

  function shutDown(): Promise<void> {
    return new Promise((resolve) => {
      closing.abort();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT);
      const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP);
      server.close(() => {
        clearTimeout(timer);
        clearInterval(sweep);
        resolve();
      });
    });
  }

  return {
    url: `http://${name}:${address.port}`,
    port: address.port,
    close: () => {
      closed ??= shutDown();
      return closed;
    },
  };
}

function processFigures(startedAt: number): Readonly<Record<string, number>> {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    start_time_seconds: startedAt,
    resident_memory_bytes: rss,
    heap_used_bytes: heapUsed,
    cpu_seconds: (user + system) / 1e6,
  };
}
