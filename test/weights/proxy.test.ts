import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHubClient, type HubClientOptions, pullWeights } from '../../weights/index.ts';
import { type FakeHub, startFakeHub } from '../support/fake-hub.ts';
import { publish, watched } from './support.ts';

let folder: string;
let server: FakeHub;
let tunnels: { readonly to: string | undefined; readonly authorization: string | undefined }[];
const proxy = createServer().on('connect', (request, socket) => {
  tunnels.push({ to: request.url, authorization: request.headers['proxy-authorization'] });
  const [host = '', port] = (request.url ?? '').split(':');
  const target = connect(Number(port), host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    target.pipe(socket).pipe(target);
  });
  target.on('error', () => socket.destroy());
  socket.on('error', () => target.destroy());
});
let address: string;

beforeEach(async () => {
  tunnels = [];
  folder = await mkdtemp(join(tmpdir(), 'frameloom-proxy-'));
  server = await startFakeHub();
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`; // a TCP server has no other kind
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function pullThrough(settings: HubClientOptions['proxy']): Promise<void> {
  await using hub = createHubClient({
    endpoint: server.origin,
    ...(settings === undefined ? {} : { proxy: settings }),
  });
  const set = publish(server, { 'genai_config.json': Buffer.from('{}') });
  expect(await pullWeights(set, folder, watched(hub))).toEqual({ fetched: 1, bytes: 2 });
}

describe('proxy settings', () => {
  it.each([
    ['with a scheme', 'http://'],
    ['without a scheme', ''],
  ])('accept the URL of a proxy %s', async (_what, scheme) => {
    await pullThrough({ http: `${scheme}${address}` });
    expect(tunnels).toEqual([{ to: new URL(server.origin).host, authorization: undefined }]);
  });

  it('send user name and password', async () => {
    await pullThrough({ http: `http://me:secret@${address}` });
    expect(tunnels[0]?.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  });

  it('bypass the hosts of NO_PROXY', async () => {
    await pullThrough({ http: `http://${address}`, no: 'example.com, 127.0.0.1' });
    expect(tunnels).toEqual([]);
  });

  it('do not read the environment', async () => {
    const before = process.env.http_proxy;
    process.env.http_proxy = `http://${address}`;
    try {
      await pullThrough(undefined);
    } finally {
      if (before === undefined) delete process.env.http_proxy;
      else process.env.http_proxy = before;
    }
    expect(tunnels).toEqual([]);
  });

  it('reject an invalid URL by the name of the setting', () => {
    expect(() => createHubClient({ endpoint: server.origin, proxy: { https: 'http://' } })).toThrow(
      /HTTPS_PROXY/,
    );
  });
});
