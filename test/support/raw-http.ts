/** Requests over a real socket, byte for byte as a client writes them. */
import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends `chunks` one by one and returns the responses that the connection carried until it closed. */
export async function sendRaw(
  port: number,
  ...chunks: readonly (string | Uint8Array)[]
): Promise<RawResponse[]> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const received: Buffer[] = [];
  socket.on('data', (data) => received.push(data));
  // A server that has answered and closed refuses the rest of a body.
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  for (const chunk of chunks) await writeTo(socket, chunk);
  await closed;
  socket.destroy();
  return parseResponses(Buffer.concat(received));
}

/** Sends `chunks` and closes the connection without waiting for a response. */
export async function cutOff(port: number, ...chunks: readonly (string | Uint8Array)[]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  for (const chunk of chunks) await writeTo(socket, chunk);
  socket.destroy();
}

async function writeTo(socket: Socket, chunk: string | Uint8Array): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.write(chunk, () => resolve());
    socket.once('close', () => resolve());
  });
  // A turn of the event loop, so that the parts arrive one by one.
  await new Promise((resolve) => setImmediate(resolve));
}

/** A body in chunked transfer encoding. */
export function inChunks(...parts: readonly (string | Uint8Array)[]): Buffer {
  const encoded = parts.map((part) => {
    const bytes = Buffer.from(part);
    return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  });
  return Buffer.concat([...encoded, Buffer.from('0\r\n\r\n')]);
}

function parseResponses(bytes: Buffer): RawResponse[] {
  const responses: RawResponse[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return responses;
    const [first = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^[^:]*:\s*/, '')]),
    );
    rest = rest.subarray(end + 4);
    const status = Number(first.split(' ')[1]);
    // An interim response, such as 100 Continue.
    if (status < 200) continue;
    const { body, length } = bodyOf(rest, headers);
    responses.push({ status, headers, body });
    rest = rest.subarray(length);
  }
}

function bodyOf(bytes: Buffer, headers: Readonly<Record<string, string>>): { body: string; length: number } {
  if (headers['transfer-encoding'] === 'chunked') {
    let body = '';
    let at = 0;
    for (;;) {
      const line = bytes.indexOf('\r\n', at);
      const size = line === -1 ? 0 : Number.parseInt(bytes.subarray(at, line).toString(), 16);
      at = line + 2;
      if (!size) return { body, length: at + 2 };
      body += bytes.subarray(at, at + size).toString();
      at += size + 2;
    }
  }
  const length = Number(headers['content-length'] ?? 0);
  return { body: bytes.subarray(0, length).toString(), length };
}
