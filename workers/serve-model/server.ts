/** The HTTP server of `frameloom serve-model`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type ApiKey, isLoopback } from '../../config/api-keys.ts';
import { SettingsError } from '../../config/settings.ts';
import { ModelError } from '../../onnx/index.ts';
import { createModelApp, type ModelAppDeps } from './app.ts';

/** Longest wait for the headers of a request, in milliseconds. */
const HEADERS_TIMEOUT_MS = 15_000;
/** Longest wait for a whole request with its pictures, in milliseconds. */
const REQUEST_TIMEOUT_MS = 300_000;
/** Milliseconds that answers have to finish when the server closes. The process is ended by force after 25 s. */
const DRAIN_TIMEOUT_MS = 18_000;
/** Milliseconds that connections have to take what is left for them after that. */
const FINAL_WRITE_TIMEOUT_MS = 1000;
/** While it closes, connections that have become idle are cut this often, in milliseconds. */
const IDLE_SWEEP_INTERVAL_MS = 50;

export interface ModelServerOptions extends ModelAppDeps {
  /** Address to listen on. Any but a loopback one requires `keys`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly drainTimeoutMs?: number;
}

export interface ModelServer {
  /** Where it answers, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Takes no more requests, lets answers finish for a while, and cancels what is left. */
  close(): Promise<void>;
}

/** Throws SettingsError when it would be open to others without keys, and what `listen` throws. */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const { host, port, drainTimeoutMs = DRAIN_TIMEOUT_MS, ...deps } = options;
  requireApiKeys(host, deps.keys);
  const stop = new AbortController();
  const work = { draining: false, stop: stop.signal, running: new Set<Promise<void>>() };
  const app = createModelApp(deps, work);
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  );
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

  async function drain(): Promise<void> {
    work.draining = true;
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_INTERVAL_MS);
    let cut: NodeJS.Timeout | undefined;
    const cutSoon = (): void => {
      cut ??= setTimeout(() => server.closeAllConnections(), FINAL_WRITE_TIMEOUT_MS);
    };
    const timer = setTimeout(() => {
      stop.abort(new ModelError('cancelled', 'The server was shut down.'));
      // Also ends requests whose body does not come.
      cutSoon();
    }, drainTimeoutMs);
    // A request may come in the same moment, before it was refused.
    while (work.running.size > 0) await Promise.all(work.running);
    clearTimeout(timer);
    cutSoon();
    await ended;
    clearTimeout(cut);
    clearInterval(sweep);
  }

  return {
    url: `http://${name}:${address.port}`,
    close: () => {
      closed ??= drain();
      return closed;
    },
  };
}

/** Throws SettingsError when a server at `host` would be open to others. */
export function requireApiKeys(host: string, keys: readonly ApiKey[]): void {
  if (keys.length > 0 || isLoopback(host)) return;
  throw new SettingsError('FRAMELOOM_API_KEYS is required to listen on any other address than localhost.');
}
