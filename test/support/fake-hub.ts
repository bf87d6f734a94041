/** A server of weights on loopback that does what real ones do to a download: all of it, some of it, or something else. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers instead of the server, once. `from` is where the client wants the body to start. */
export type Fault = (exchange: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  readonly from: number;
}) => void;

export interface FakeHub extends AsyncDisposable {
  readonly origin: string;
  readonly asked: Asked[];
  /** What is answered, by path without the leading slash. */
  readonly content: Map<string, Buffer>;
  /** Puts off the next answers for a path; they are used up one after the other. */
  next(path: string, ...faults: Fault[]): void;
}

export async function startFakeHub(): Promise<FakeHub> {
  const asked: Asked[] = [];
  const content = new Map<string, Buffer>();
  const faults = new Map<string, Fault[]>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').slice(1));
    const { range, authorization } = request.headers;
    asked.push({ path, range, authorization });
    const body = content.get(path);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const fault = faults.get(path)?.shift();
    if (fault) fault({ request, response, body: body ?? Buffer.alloc(0), from });
    else if (body === undefined) response.writeHead(404).end();
    else serve(response, body, from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server has no other kind
    asked,
    content,
    next(path, ...more) {
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

/** Sends `bytes` of what was asked for, then breaks the connection. */
export function drop(bytes: number): Fault {
  return ({ response, body, from }) => {
    head(response, body, from);
    response.write(body.subarray(from, from + bytes), () => response.destroy());
  };
}

/** Sends `bytes` of what was asked for, then nothing more, without an end. */
export function hang(bytes: number): Fault {
  return ({ response, body, from }) => {
    head(response, body, from);
    response.write(body.subarray(from, from + bytes));
  };
}

/** Ends properly after `bytes`, without having said how many there would be. */
export function truncate(bytes: number): Fault {
  return ({ response, body, from }) => {
    response.writeHead(from === 0 ? 200 : 206, {
      ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${body.length - 1}/*` }),
    });
    response.write(body.subarray(from, from + bytes));
    response.end();
  };
}

/** Sends as many bytes, but others. */
export const corrupt: Fault = ({ response, body, from }) => {
  const wrong = Buffer.from(body.map((byte) => byte ^ 0x55));
  serve(response, wrong, from);
};

export const ignoreRange: Fault = ({ response, body }) => serve(response, body, 0);

export function answer(status: number, headers: Readonly<Record<string, string>> = {}): Fault {
  return ({ response }) => response.writeHead(status, headers).end();
}

export function redirect(location: string): Fault {
  return answer(302, { location });
}

export function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Bytes that no other seed gives, long enough to arrive in several pieces. */
export function noise(seed: string, bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let n = 0; n * 32 < bytes; n++) blocks.push(createHash('sha256').update(`${seed} ${n}`).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}
