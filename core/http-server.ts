/** An HTTP server that starts and stops in order. Node only. */
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServerOptions {
  readonly listener: RequestListener;
  /** IP address or host name to listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** A connection without traffic for this long is closed. Default: none is. */
  readonly idleTimeoutMs?: number;
  readonly server?: ServerOptions;
}

export interface HttpServer {
  /** Such as `http://127.0.0.1:8484`. */
  readonly url: string;
  readonly port: number;
  /** Stops listening and closes connections as they become idle. Resolves when the last one has ended. */
  drain(): Promise<void>;
  /** Closes all connections after `milliseconds`, active ones included. Only the first call counts. */
  closeConnectionsAfter(milliseconds: number): void;
}

/** While a server drains, connections that have become idle are closed this often. */
const IDLE_SWEEP_INTERVAL_MS = 50;

/** Starts a server. Resolves when it listens. @throws the error of `listen`, such as `EADDRINUSE`. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { listener, host, port, idleTimeoutMs } = options;
  const server = createServer(options.server ?? {}, listener);
  if (idleTimeoutMs !== undefined) server.setTimeout(idleTimeoutMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo; // it listens on TCP
  const hostname = host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host;
  let drained: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function drain(): Promise<void> {
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_INTERVAL_MS);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    clearInterval(sweep);
    clearTimeout(timer);
  }

  return {
    url: `http://${hostname}:${address.port}`,
    port: address.port,
    drain() {
      drained ??= drain();
      return drained;
    },
    closeConnectionsAfter(milliseconds) {
      timer ??= setTimeout(() => server.closeAllConnections(), milliseconds);
    },
  };
}
