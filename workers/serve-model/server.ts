/** The HTTP server of `frameloom serve-model`. */
import { getRequestListener } from '@hono/node-server';
import { type ApiKey, isLoopback } from '../../config/api-keys.ts';
import { SettingsError } from '../../config/settings.ts';
import { startHttpServer } from '../../core/http-server.ts';
import { ModelError } from '../../onnx/index.ts';
import { createModelApp, type ModelAppDeps } from './app.ts';

const HEADERS_TIMEOUT_MS = 15_000;
/** For a whole request with its images. */
const REQUEST_TIMEOUT_MS = 300_000;
/** Time for requests in flight when the server closes. The process is killed after 25 s. */
const DRAIN_TIMEOUT_MS = 18_000;
/** Time for connections to receive their last bytes after that. */
const FINAL_WRITE_TIMEOUT_MS = 1000;

export interface ModelServerOptions extends ModelAppDeps {
  /** Address to listen on. Any other than a loopback address requires `keys`. */
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly drainTimeoutMs?: number;
}

export interface ModelServer {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Rejects new requests, waits a limited time for those in flight, then cancels them. */
  close(): Promise<void>;
}

/** @throws SettingsError when other machines could use it without a key; errors of `listen`. */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const { host, port, drainTimeoutMs = DRAIN_TIMEOUT_MS, ...deps } = options;
  requireApiKeys(host, deps.keys);
  const stop = new AbortController();
  const work = { draining: false, stop: stop.signal, running: new Set<Promise<void>>() };
  const app = createModelApp(deps, work);
  const server = await startHttpServer({
    listener: getRequestListener(app.fetch, { overrideGlobalObjects: false, hostname: host }),
    host,
    port,
    server: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  });
  let closed: Promise<void> | undefined;

  async function drain(): Promise<void> {
    work.draining = true;
    const ended = server.drain();
    const timer = setTimeout(() => {
      stop.abort(new ModelError('cancelled', 'The server was shut down.'));
      // Also ends requests whose body never arrives.
      server.closeConnectionsAfter(FINAL_WRITE_TIMEOUT_MS);
    }, drainTimeoutMs);
    // A request that was accepted just before the drain may still join `running`.
    while (work.running.size > 0) await Promise.all(work.running);
    clearTimeout(timer);
    server.closeConnectionsAfter(FINAL_WRITE_TIMEOUT_MS);
    await ended;
  }

  return {
    url: server.url,
    close: () => {
      closed ??= drain();
      return closed;
    },
  };
}

/** @throws SettingsError when other machines could use a server at `host` without a key. */
export function requireApiKeys(host: string, keys: readonly ApiKey[]): void {
  if (keys.length > 0 || isLoopback(host)) return;
  throw new SettingsError('FRAMELOOM_API_KEYS is required to listen on any address other than localhost.');
}
