/** A proxy in front of an S3 server that records requests and injects faults into those that a test selects. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The fault of one request. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code?: string }
  /** The connection is closed before the request is forwarded. */
  | { readonly kind: 'reset' }
  /** The request is forwarded, but its response is not. */
  | { readonly kind: 'lost-response' }
  /** No response is sent. */
  | { readonly kind: 'hang' }
  /** The body ends after `bytes`. */
  | { readonly kind: 'truncated'; readonly bytes: number }
  /** One bit of the body is inverted. */
  | { readonly kind: 'flipped' }
  /** The ETag is wrong. */
  | { readonly kind: 'etag' };

export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Every request so far. */
  readonly requests: ProxiedRequest[];
  /** Returns the fault of a request, or undefined to forward it unchanged. */
  plan: (request: ProxiedRequest) => Fault | undefined;
}

/** Starts a proxy on a free port. Signatures stay valid, because the signed host name is forwarded. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const unanswered = new Set<ServerResponse>();

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
    const upstream = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (response) => {
        if (fault?.kind === 'lost-response') {
          response.resume();
          response.on('end', () => outgoing.destroy());
          return;
        }
        const headers = { ...response.headers };
        // With `Connection: close` a client expects the connection to end, even in the middle of a body.
        if (fault?.kind === 'truncated') headers.connection = 'close';
        if (fault?.kind === 'etag') headers.etag = '"00000000000000000000000000000000"';
        outgoing.writeHead(response.statusCode ?? 502, headers);
        if (fault?.kind !== 'truncated' && fault?.kind !== 'flipped') {
          response.pipe(outgoing);
          return;
        }
        let bytesLeft = fault.kind === 'truncated' ? fault.bytes : Number.POSITIVE_INFINITY;
        let isDone = fault.kind === 'truncated';
        response.on('data', (chunk: Buffer) => {
          if (!isDone && chunk.length > 0) {
            chunk[0] = (chunk[0] ?? 0) ^ 1;
            isDone = true;
          }
          if (bytesLeft <= 0) return;
          outgoing.write(chunk.subarray(0, bytesLeft), () => {
            if (bytesLeft <= 0) outgoing.destroy();
          });
          bytesLeft -= chunk.length;
        });
        response.on('end', () => outgoing.end());
      },
    );
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  }

  const server = createServer((incoming, outgoing) => {
    const proxied = { method: incoming.method ?? '', url: incoming.url ?? '' };
    proxy.requests.push(proxied);
    const fault = proxy.plan(proxied);
    if (fault?.kind === 'status') {
      incoming.resume();
      incoming.on('end', () => {
        outgoing.writeHead(fault.status);
        outgoing.end(incoming.method === 'HEAD' ? '' : `<Error><Code>${fault.code ?? ''}</Code></Error>`);
      });
    } else if (fault?.kind === 'reset') incoming.socket.destroy();
    else if (fault?.kind === 'hang') unanswered.add(outgoing);
    else forward(incoming, outgoing, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo; // it listens on TCP
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests: [],
    plan: () => undefined,
    async [Symbol.asyncDispose]() {
      for (const response of unanswered) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** A plan that injects `fault` into the first `times` requests for which `matches` returns true. */
export function faultFirst(
  times: number,
  matches: (request: ProxiedRequest) => boolean,
  fault: Fault,
): FaultProxy['plan'] {
  let left = times;
  return (proxied) => {
    if (left <= 0 || !matches(proxied)) return undefined;
    left -= 1;
    return fault;
  };
}
