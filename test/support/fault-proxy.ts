/** A proxy before an S3 server, which counts what goes through and does harm to what a test names. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request that a plan chooses. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code?: string }
  /** The request goes through, its answer is lost. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'lost-answer' }
  | { readonly kind: 'hang' }
  /** The body ends after so many bytes. */
  | { readonly kind: 'truncated'; readonly bytes: number }
  /** One byte of the body is another. */
  | { readonly kind: 'flipped' }
  | { readonly kind: 'etag' };

export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Every request so far. */
  readonly seen: Seen[];
  /** Chooses the fault of a request; undefined lets it through. */
  plan: (request: Seen) => Fault | undefined;
}

/** Starts a proxy on a free port. Signatures stay good, as the name that was signed goes through. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const held = new Set<ServerResponse>();

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
    const upstream = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (answer) => {
        if (fault?.kind === 'lost-answer') {
          answer.resume();
          answer.on('end', () => outgoing.destroy());
          return;
        }
        const headers = { ...answer.headers };
        // The hardest end for a client: one that it was told to expect, in the middle of a body.
        if (fault?.kind === 'truncated') headers.connection = 'close';
        if (fault?.kind === 'etag') headers.etag = '"00000000000000000000000000000000"';
        outgoing.writeHead(answer.statusCode ?? 502, headers);
        if (fault?.kind !== 'truncated' && fault?.kind !== 'flipped') {
          answer.pipe(outgoing);
          return;
        }
        let left = fault.kind === 'truncated' ? fault.bytes : Number.POSITIVE_INFINITY;
        let isWhole = fault.kind === 'truncated';
        answer.on('data', (chunk: Buffer) => {
          if (!isWhole && chunk.length > 0) {
            chunk[0] = (chunk[0] ?? 0) ^ 1;
            isWhole = true;
          }
          if (left <= 0) return;
          outgoing.write(chunk.subarray(0, left), () => {
            if (left <= 0) outgoing.destroy();
          });
          left -= chunk.length;
        });
        answer.on('end', () => outgoing.end());
      },
    );
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  }

  const server = createServer((incoming, outgoing) => {
    const seen = { method: incoming.method ?? '', url: incoming.url ?? '' };
    proxy.seen.push(seen);
    const fault = proxy.plan(seen);
    if (fault?.kind === 'status') {
      incoming.resume();
      incoming.on('end', () => {
        outgoing.writeHead(fault.status);
        outgoing.end(incoming.method === 'HEAD' ? '' : `<Error><Code>${fault.code ?? ''}</Code></Error>`);
      });
    } else if (fault?.kind === 'reset') incoming.socket.destroy();
    else if (fault?.kind === 'hang') held.add(outgoing);
    else forward(incoming, outgoing, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo; // it listens on TCP
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${address.port}`,
    seen: [],
    plan: () => undefined,
    async [Symbol.asyncDispose]() {
      for (const response of held) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** A plan that does `fault` to the first `times` requests that `matches` names. */
export function firstTimes(
  times: number,
  matches: (request: Seen) => boolean,
  fault: Fault,
): FaultProxy['plan'] {
  let left = times;
  return (seen) => {
    if (left <= 0 || !matches(seen)) return undefined;
    left -= 1;
    return fault;
  };
}
