import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadConsoleAssets } from '../../web/assets.ts';
import { withApp } from './harness.ts';

const assets = await loadConsoleAssets();
const PATHS = ['/', '/console/app.js', '/console/app.css', '/favicon.svg'];

describe('a file of the console', () => {
  it.each(PATHS)('%s has the same headers for HEAD, and no body', (path) =>
    withApp(
      async ({ app }) => {
        const [get, head] = [await app.request(path), await app.request(path, { method: 'HEAD' })];
        expect([get.status, head.status]).toEqual([200, 200]);
        expect(await head.text()).toBe('');
        const length = String(new TextEncoder().encode(await get.text()).length);
        expect([get.headers.get('Content-Length'), head.headers.get('Content-Length')]).toEqual([
          length,
          length,
        ]);
        expect(head.headers.get('ETag')).toBe(get.headers.get('ETag'));
      },
      { assets },
    ),
  );

  it.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
    ['identity', null, (bytes: Buffer) => bytes],
    ['br;q=0.000', null, (bytes: Buffer) => bytes],
  ] as const)('is sent to a client that accepts %s as %s', (accepted, coding, decode) =>
    withApp(
      async ({ app }) => {
        const response = await app.request('/console/app.js', { headers: { 'Accept-Encoding': accepted } });
        expect(response.headers.get('Content-Encoding')).toBe(coding);
        expect(response.headers.get('Vary')).toBe('Accept-Encoding');
        const bytes = Buffer.from(await response.arrayBuffer());
        expect(decode(bytes).toString()).toBe(assets.get('/console/app.js')?.body);
        if (coding !== null) expect(bytes.length).toBeLessThan(30_000);
      },
      { assets },
    ),
  );

  it('is not sent again to a client that has it in the same coding', () =>
    withApp(
      async ({ app }) => {
        const first = await app.request('/', { headers: { 'Accept-Encoding': 'br' } });
        const tag = first.headers.get('ETag') ?? '';
        const ask = (coding: string) => ({ headers: { 'If-None-Match': tag, 'Accept-Encoding': coding } });
        expect((await app.request('/', ask('br'))).status).toBe(304);
        expect((await app.request('/', ask('gzip'))).status).toBe(200);
      },
      { assets },
    ));
});
