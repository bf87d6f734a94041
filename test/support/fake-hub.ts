/** A model hub on loopback that serves files completely, partly or wrongly, as real servers do. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Responds once in place of the server. `from` is the first byte that the client requested. */
export type Fault = (exchange: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  readonly from: number;
}) => void;

export interface FakeHub extends AsyncDisposable {
  readonly origin: string;
  readonly requests: ReceivedRequest[];
  /** The files, by path without the leading slash. */
  readonly content: Map<string, Buffer>;
  /** Replaces the next responses for a path, one fault per request. */
  injectFaults(path: string, ...faults: Fault[]): void;
}

export async function startFakeHub(): Promise<FakeHub> {
  const requests: ReceivedRequest[] = [];
  const content = new Map<string, Buffer>();
  const faults = new Map<string, Fault[]>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').slice(1));
    const { range, authorization } = request.headers;
    requests.push({ path, range, authorization });
    const body = content.get(path);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const fault = faults.get(path)?.shift();
    if (fault) fault({ request, response, body: body ?? Buffer.alloc(0), from });
    else if (body === undefined) response.writeHead(404).end();
    else serve(response, body, from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server has an AddressInfo
    requests,
    content,
    injectFaults(path, ...more) {
      faults.set(path, [...(faults.get(path) ?? []), ...more]);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(response: ServerResponse, body: Buffer, from: number): void {
  if (from > 0 && from >= body.length) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
    return;
  }
  head(response, body, from);
  response.end(body.subarray(from));
}

function head(response: ServerResponse, body: Buffer, from: number): void {
  if (from === 0) response.writeHead(200, { 'content-length': body.length });
  else {
    response.writeHead(206, {
      'content-length': body.length - from,
      'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
    });
  }
}

/** Sends `bytes` of the requested range, then closes the connection. */
export function dropAfter(bytes: number): Fault {
  return ({ response, body, from }) => {
    head(response, body, from);
    response.write(body.subarray(from, from + bytes), () => response.destroy());
  };
}

/** Sends `bytes` of the requested range, then nothing more, with the connection open. */
export function hangAfter(bytes: number): Fault {
  return ({ response, body, from }) => {
    head(response, body, from);
    response.write(body.subarray(from, from + bytes));
  };
}

/** Ends the response after `bytes`, without a Content-Length. */
export function endAfter(bytes: number): Fault {
  return ({ response, body, from }) => {
    response.writeHead(from === 0 ? 200 : 206, {
      ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${body.length - 1}/*` }),
    });
    response.write(body.subarray(from, from + bytes));
    response.end();
  };
}

/** Sends a body of the right length with wrong bytes. */
export const corrupt: Fault = ({ response, body, from }) => {
  const wrong = Buffer.from(body.map((byte) => byte ^ 0x55));
  serve(response, wrong, from);
};

export const ignoreRange: Fault = ({ response, body }) => serve(response, body, 0);

export function respondWith(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): Fault {
  return ({ response }) => response.writeHead(status, headers).end(body);
}

export function redirect(location: string): Fault {
  return respondWith(302, { location });
}

export function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Returns pseudorandom bytes, different for each seed, enough to arrive in several chunks. */
export function seededBytes(seed: string, bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let n = 0; n * 32 < bytes; n++) blocks.push(createHash('sha256').update(`${seed} ${n}`).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}
