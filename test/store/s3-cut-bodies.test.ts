/**
 * Bodies that are cut off while their reader is slow. undici asserts, and so ends the process, when a
 * connection that was to be closed ends while its parser is paused (nodejs/undici#5360, open in 7.x), and a
 * parser is paused while nobody reads.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createS3Store } from '../../store/s3/index.ts';
import { createSha256, sha256, sha256Of } from './contract.ts';

/** More than one range that is read at once. */
const BODY = Uint8Array.from({ length: 9 * 2 ** 20 }, (_, index) => (index * 31 + (index >> 12)) & 0xff);
/** Bytes that come at once of an answer, twice, before its connection ends. */
const SENT = 32 * 1024;

/** Answers reads of one artifact, and cuts off the first of them. */
function startServer() {
  const served = { cuts: 0, cut: Promise.resolve<unknown>(undefined), how: 'ended' as 'ended' | 'reset' };
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the reader has gone
    socket.on('data', (request: Buffer) => answer(socket, request.toString('latin1')));
  });

  function answer(socket: Socket, request: string): void {
    const [, from, to] = /range: bytes=(\d+)-(\d+)/i.exec(request) ?? [];
    const body = BODY.subarray(Number(from ?? 0), Number(to ?? BODY.length - 1) + 1);
    const isCut = served.cuts > 0 && request.startsWith('GET');
    socket.write(
      `HTTP/1.1 ${from === undefined ? 200 : 206} OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n` +
        `x-amz-meta-sha256: ${sha256(BODY)}\r\nlast-modified: ${new Date().toUTCString()}\r\n\r\n`,
    );
    if (request.startsWith('HEAD')) socket.end();
    else if (!isCut) socket.end(body);
    else {
      served.cuts -= 1;
      served.cut = once(socket, 'close');
      void cutOff(socket, body);
    }
  }

  /** What comes second meets a reader that has not asked for it. */
  async function cutOff(socket: Socket, body: Uint8Array): Promise<void> {
    socket.write(body.subarray(0, SENT));
    await turns(20);
    socket.write(body.subarray(SENT, 2 * SENT));
    await turns(20);
    if (served.how === 'ended') socket.end();
    else socket.resetAndDestroy();
  }
  return { server, served };
}

/** Lets whatever has arrived be taken in: reader and server share this process. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a body that is interrupted while its reader is slow', () => {
  const { server, served } = startServer();
  const usual = getGlobalDispatcher();
  const agent = new Agent();
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // What a worker's fetch goes through, whichever undici its Node has: the package puts its own in place.
    setGlobalDispatcher(agent);
  });
  afterAll(async () => {
    setGlobalDispatcher(usual);
    await agent.close();
    server.close();
  });
  afterEach(() => {
    served.cuts = 0;
  });

  it.each(['ended', 'reset'] as const)(
    'is resumed at the next byte after a connection was %s',
    async (how) => {
      const { port } = server.address() as AddressInfo; // it listens on TCP
      const store = createS3Store({
        endpoint: `http://127.0.0.1:${port}`,
        region: 'us-east-1',
        bucket: 'b',
        pathStyle: true,
        credentials: () => ({ accessKeyId: 'a', secretAccessKey: 's' }),
        createSha256,
        limits: { attempts: 4, firstBackoffMs: 5, responseTimeoutMs: 20_000 },
      });
      served.how = how;
      served.cuts = 2;
      async function* slowly(): AsyncGenerator<Uint8Array> {
        for await (const chunk of await store.read('sources/a')) {
          yield chunk;
          await served.cut;
        }
      }
      expect(await sha256Of(slowly())).toBe(sha256(BODY));
      expect(served.cuts).toBe(0);
    },
  );
});
