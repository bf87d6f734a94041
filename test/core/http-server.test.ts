import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startHttpServer } from '../../core/http-server.ts';

describe('the HTTP server', () => {
  it('listens on a free port and names its address', async () => {
    const listener = (_: unknown, response: ServerResponse): void => void response.end('hello');
    const server = await startHttpServer({ listener, host: '127.0.0.1', port: 0 });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect(await (await fetch(server.url)).text()).toBe('hello');
    await server.drain();
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it('rejects a port that is in use', async () => {
    const listener = (): void => undefined;
    const server = await startHttpServer({ listener, host: '127.0.0.1', port: 0 });
    const second = startHttpServer({ listener, host: '127.0.0.1', port: server.port });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.drain();
  });

  it('finishes a request in progress before it ends', async () => {
    const requests = new EventEmitter<{ request: [ServerResponse] }>();
    const started = once(requests, 'request');
    const listener = (_: unknown, pending: ServerResponse): void => void requests.emit('request', pending);
    const server = await startHttpServer({ listener, host: '127.0.0.1', port: 0 });
    const response = fetch(server.url, { headers: { connection: 'close' } });
    const [active] = (await started) as [ServerResponse];
    const drained = server.drain();
    active.end('finished');
    expect(await (await response).text()).toBe('finished');
    await drained;
  });

  it('closes connections that stay active for too long', async () => {
    const requests = new EventEmitter<{ request: [] }>();
    const started = once(requests, 'request');
    const listener = (): void => void requests.emit('request');
    const server = await startHttpServer({ listener, host: '127.0.0.1', port: 0 });
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await started;
    server.closeConnectionsAfter(1);
    await Promise.all([server.drain(), once(socket, 'close')]);
  });
});
