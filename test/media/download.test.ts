import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { download } from '../../media/index.ts';
import { CERTIFICATE } from './certificate.ts';
import { temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const OPEN = { maxBytes: 100_000, allowPrivate: true } as const;
const GUARDED = { maxBytes: 100_000, allowPrivate: false } as const;
const BODY = Buffer.alloc(50_000, 'frameloom');
let origin = '';
let requests: string[] = [];

const routes: Readonly<Record<string, RequestListener>> = {
  '/ok': (_request, response) => response.end(BODY),
  '/large': (_request, response) =>
    response.writeHead(200, { 'content-length': '100001' }).end(Buffer.alloc(100_001)),
  '/endless': (request, response) => {
    const more = (): void => {
      while (!request.destroyed && response.write(BODY));
    };
    response.on('drain', more);
    more();
  },
  '/gone': (_request, response) => response.writeHead(410).end(),
  '/broken': (_request, response) => {
    response.writeHead(200, { 'content-length': '50000' });
    response.write(BODY.subarray(0, 10), () => response.destroy());
  },
  '/failing': (_request, response) => response.writeHead(500).end(),
  '/hop': (_request, response) => response.writeHead(302, { location: '/ok' }).end(),
  '/loop': (_request, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/to-file': (_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/to-credentials': (request, response) =>
    response.writeHead(302, { location: `http://user:secret@${request.headers.host}/ok` }).end(),
  '/silent': () => undefined,
  // Three times cut, in the middle of what was asked for; the rest is sent to those who ask for it as it was.
  '/cut': (request, response) => {
    const from = request.headers['if-range'] === '"v1"' ? rangeStart(request.headers.range) : 0;
    const rest = BODY.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      etag: '"v1"',
      'content-length': rest.length,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${BODY.length - 1}/${BODY.length}` } : {}),
    });
    if (ranges.push(from) > 3) response.end(rest);
    else void cutOff(response, 'cut', from, rest.subarray(0, rest.length / 2));
  },
  // Other bytes at the second try, which says so by sending all of them.
  '/changed': (_request, response) => {
    const first = ranges.push(0) === 1;
    response.writeHead(200, { etag: first ? '"v1"' : '"v2"', 'content-length': BODY.length });
    if (first) void cutOff(response, 'changed', 0, BODY.subarray(0, 30_000));
    else response.end(Buffer.alloc(BODY.length, 'changed'));
  },
  // The rest is asked for with the validator of a version that is gone, in three ways.
  '/rest-refused': (request, response) => {
    if (request.headers.range) response.writeHead(416, { 'content-range': 'bytes */9' }).end();
    else if (ranges.push(0) === 1) void firstPart(response, 'rest-refused', '"v1"');
    else response.writeHead(200, { etag: '"v2"' }).end(BODY);
  },
  '/rest-of-another': (request, response) => {
    const range = { 'content-range': 'bytes 30000-49999/50000' };
    if (request.headers.range) response.writeHead(206, { ...range, etag: '"v2"' }).end(Buffer.alloc(20_000));
    else if (ranges.push(0) === 1) void firstPart(response, 'rest-of-another', '"v1"');
    else response.writeHead(200, { etag: '"v2"' }).end(BODY);
  },
  '/rest-from-elsewhere': (request, response) => {
    const range = { 'content-range': 'bytes 10000-49999/50000' };
    if (request.headers.range) response.writeHead(206, { ...range, etag: '"v1"' }).end(Buffer.alloc(40_000));
    else if (ranges.push(0) === 1) void firstPart(response, 'rest-from-elsewhere', '"v1"');
    else response.writeHead(200, { etag: '"v1"' }).end(BODY);
  },
  // Busy for a moment after the line broke.
  '/busy-then-rest': (request, response) => {
    if (ranges.push(0) === 1) void firstPart(response, 'busy-then-rest', '"v1"');
    else if (ranges.length === 2) response.writeHead(503, { 'retry-after': '0' }).end();
    else {
      const from = rangeStart(request.headers.range);
      response.writeHead(206, { etag: '"v1"', 'content-range': `bytes ${from}-49999/50000` });
      response.end(BODY.subarray(from));
    }
  },
  '/whole-range': (_request, response) =>
    response.writeHead(206, { 'content-range': 'bytes 0-49999/50000' }).end(BODY),
  '/part-of-it': (_request, response) =>
    response.writeHead(206, { 'content-range': 'bytes 0-99/50000' }).end(BODY.subarray(0, 100)),
  '/sign-in': (_request, response) =>
    response
      .writeHead(200, { 'content-type': 'video/mp4' })
      .end('\ufeff\n<!-- cached -->\n<!DOCTYPE html>\n<html><title>Sign in</title>'),
  '/nowhere': (_request, response) => response.writeHead(302).end(),
  '/never-whole': (_request, response) => {
    ranges.push(0);
    response.writeHead(200, { etag: '"v1"', 'content-length': BODY.length });
    response.write(BODY.subarray(0, 30_000), () => response.destroy());
  },
};

/** Sends 30,000 of the 50,000 bytes. */
function firstPart(response: ServerResponse, file: string, etag: string): Promise<void> {
  response.writeHead(200, { etag, 'content-length': BODY.length });
  return cutOff(response, file, 0, BODY.subarray(0, 30_000));
}

/** Ends the line once what was sent is in the file. */
async function cutOff(response: ServerResponse, file: string, from: number, part: Buffer): Promise<void> {
  response.write(part);
  await vi.waitUntil(async () => (await stat(join(folder, file))).size === from + part.length);
  response.destroy();
}

/** From where each request for what is cut wanted it. */
let ranges: number[] = [];
const rangeStart = (range = ''): number => Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);

const server = createServer((request, response) => {
  requests.push(request.url ?? '');
  const route = routes[request.url ?? ''];
  const status = /^\/status\/(\d+)$/.exec(request.url ?? '')?.[1];
  if (status) response.writeHead(Number(status), { 'retry-after': '90' }).end();
  else if (route) route(request, response);
  else response.writeHead(404).end();
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has no other kind
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('download', () => {
  it('writes the body to the file', async () => {
    const path = join(folder, 'ok');
    expect(await download(`${origin}/ok`, path, OPEN)).toEqual({ bytes: BODY.length });
    expect((await readFile(path)).equals(BODY)).toBe(true);
  });

  it('follows redirects', async () => {
    expect(await download(`${origin}/hop`, join(folder, 'hop'), OPEN)).toEqual({ bytes: BODY.length });
  });

  it('resumes a broken download where it stopped', async () => {
    ranges = [];
    const path = join(folder, 'cut');
    expect(await download(`${origin}/cut`, path, OPEN)).toEqual({ bytes: BODY.length });
    expect((await readFile(path)).equals(BODY)).toBe(true);
    expect(ranges).toEqual([0, 25_000, 37_500, 43_750]);
  });

  it('starts again where the content has changed', async () => {
    ranges = [];
    const path = join(folder, 'changed');
    expect(await download(`${origin}/changed`, path, OPEN)).toEqual({ bytes: BODY.length });
    expect((await readFile(path)).equals(Buffer.alloc(BODY.length, 'changed'))).toBe(true);
  });

  it.each(['rest-refused', 'rest-of-another', 'rest-from-elsewhere', 'busy-then-rest'])(
    'has the content of one version after an interruption: %s',
    async (name) => {
      ranges = [];
      const path = join(folder, name);
      expect(await download(`${origin}/${name}`, path, OPEN)).toEqual({ bytes: BODY.length });
      expect((await readFile(path)).equals(BODY)).toBe(true);
    },
  );

  it('takes all of the content as one range', async () => {
    const path = join(folder, 'whole-range');
    expect(await download(`${origin}/whole-range`, path, OPEN)).toEqual({ bytes: BODY.length });
  });

  it.each([
    [400, 'source_rejected', false],
    [401, 'source_rejected', false],
    [403, 'source_rejected', false],
    [404, 'source_missing', false],
    [405, 'source_rejected', false],
    [406, 'source_rejected', false],
    [407, 'source_rejected', false],
    [410, 'source_missing', false],
    [416, 'source_rejected', false],
    [451, 'source_rejected', false],
    [204, 'source_rejected', false],
    [408, 'source_unreachable', true],
    [425, 'source_unreachable', true],
    [429, 'source_unreachable', true],
    [500, 'source_unreachable', true],
    [503, 'source_unreachable', true],
  ])(
    'asks once for an address that answers with status %i: %s, retryable: %s',
    async (status, code, retryable) => {
      requests = [];
      const asked = download(`${origin}/status/${status}`, join(folder, 'refused'), OPEN);
      const retryAfterMs = retryable ? 90_000 : undefined;
      await expect(asked).rejects.toMatchObject({ code, retryable, retryAfterMs });
      expect(requests).toEqual([`/status/${status}`]);
    },
  );

  it('says that a web page came instead of a file', async () => {
    await refused(`${origin}/sign-in`, 'unsupported_media', OPEN);
    const asked = download(`${origin}/sign-in`, join(folder, 'refused'), OPEN);
    await expect(asked).rejects.toThrow('returned a web page (HTML) instead of a file');
  });

  it('fails where no more bytes arrive', async () => {
    ranges = [];
    await refused(`${origin}/never-whole`, 'source_unreachable', OPEN);
    expect(ranges.length).toBeLessThan(10);
  });

  it('survives servers that close a connection that nothing reads from', async () => {
    const half = Buffer.alloc(4 * 2 ** 20);
    const cutter = createNetServer((socket) => {
      socket.on('error', () => undefined); // the reader has gone
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${2 * half.length}\r\nconnection: close\r\n\r\n`);
        socket.end(half);
      });
    });
    await new Promise<void>((resolve) => cutter.listen(0, '127.0.0.1', resolve));
    const { port } = cutter.address() as AddressInfo; // a TCP server has no other kind
    for (let turn = 0; turn < 20; turn++) {
      await refused(`http://127.0.0.1:${port}/`, 'source_unreachable', { ...OPEN, maxBytes: 2 ** 30 });
    }
    await new Promise((resolve) => cutter.close(resolve));
  });

  it('never overwrites a file', async () => {
    const path = join(folder, 'taken');
    await download(`${origin}/ok`, path, OPEN);
    await expect(download(`${origin}/ok`, path, OPEN)).rejects.toMatchObject({ code: 'EEXIST' });
    expect((await readFile(path)).equals(BODY)).toBe(true);
  });

  it.each([
    ['/missing', 'source_missing'],
    ['/gone', 'source_missing'],
    ['/failing', 'source_unreachable'],
    ['/broken', 'source_unreachable'],
    ['/loop', 'source_rejected'],
    ['/nowhere', 'source_rejected'],
    ['/part-of-it', 'source_rejected'],
    ['/large', 'media_too_large'],
    ['/endless', 'media_too_large'],
    ['/to-file', 'source_forbidden'],
    ['/to-credentials', 'source_forbidden'],
  ])('rejects %s with %s and leaves no file', async (route, code) => {
    await refused(`${origin}${route}`, code, OPEN);
  });

  it('rejects a closed port with source_unreachable', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo; // a TCP server has no other kind
    await new Promise((resolve) => closed.close(resolve));
    await refused(`http://127.0.0.1:${port}/`, 'source_unreachable', OPEN);
  });

  it('does not ask again where the host name does not exist', () =>
    refused('http://no-such-host.invalid/x.mp4', 'source_missing', OPEN));

  it('does not ask again where the certificate is not valid', async () => {
    // Self-signed, for another name.
    const secure = createHttpsServer(CERTIFICATE, (_request, response) => response.end(BODY));
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const { port } = secure.address() as AddressInfo; // a TCP server has no other kind
    await refused(`https://127.0.0.1:${port}/x.mp4`, 'source_rejected', OPEN);
    await new Promise((resolve) => secure.close(resolve));
  });

  it('does not ask again where the server speaks http and the address says https', () =>
    refused(`${origin.replace('http:', 'https:')}/ok`, 'source_rejected', OPEN));

  it('throws the reason of the signal', async () => {
    const abort = new AbortController();
    const running = download(`${origin}/silent`, join(folder, 'silent'), { ...OPEN, signal: abort.signal });
    abort.abort(new Error('no longer wanted'));
    await expect(running).rejects.toThrow('no longer wanted');
    expect(await readdir(folder)).not.toContain('silent');
  });

  it('ends at its time limit', async () => {
    await refused(`${origin}/silent`, 'source_unreachable', { ...OPEN, timeLimitMs: 100 });
  });
});

describe('download without private addresses', () => {
  const port = (): string => new URL(origin).port;

  it.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0x7f000001',
    'http://0',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[64:ff9b::7f00:1]',
    'http://[fe80::1]',
    'http://[fd00::1]',
    'http://localhost',
    'http://10.1.2.3',
    'http://172.16.0.1',
    'http://192.168.0.1',
    'http://100.64.0.1',
    'http://169.254.169.254',
    'http://224.0.0.1',
    'http://255.255.255.255',
  ])('rejects %s', async (address) => {
    requests = [];
    await refused(`${address}:${port()}/ok`, 'source_forbidden', GUARDED);
    expect(requests).toEqual([]);
  });

  it.each([
    'file:///etc/passwd',
    'ftp://example.com/x',
    'data:text/plain,x',
    'https://user:pass@example.com/',
    'nonsense',
    '',
  ])('rejects %j', (address) => refused(address, 'source_forbidden', GUARDED));
});

async function refused(
  url: string,
  code: string,
  limits: { readonly maxBytes: number; readonly allowPrivate: boolean; readonly timeLimitMs?: number },
): Promise<void> {
  const path = join(folder, 'refused');
  await expect(download(url, path, limits)).rejects.toMatchObject({ code });
  expect(await readdir(folder)).not.toContain('refused');
}
