import { describe, expect, it } from 'vitest';
import { File } from '../../schema/file.ts';
import { type Harness, withApp } from './harness.ts';

const TEXT = '0123456789';

async function uploaded({ app }: Harness): Promise<string> {
  const file = File.parse(await (await app.request('/v1/files', { method: 'POST', body: TEXT })).json());
  return `/v1/files/${file.id}/content`;
}

describe('the content of a file', () => {
  it.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, TEXT, 'bytes 0-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=10-', 416, undefined, 'bytes */10'],
    ['bytes=-0', 416, undefined, 'bytes */10'],
    ['bytes=5-4', 200, TEXT, null],
    ['bytes=0-1,3-4', 200, TEXT, null],
    ['bytes=x', 200, TEXT, null],
    ['lines=1-2', 200, TEXT, null],
  ] as const)('of the range %s has status %i', (range, status, text, contentRange) =>
    withApp(async (harness) => {
      const response = await harness.app.request(await uploaded(harness), { headers: { Range: range } });
      expect(response.status).toBe(status);
      expect(response.headers.get('Content-Range')).toBe(contentRange);
      if (text === undefined) return;
      expect(response.headers.get('Content-Length')).toBe(String(text.length));
      expect(await response.text()).toBe(text);
    }),
  );

  it('is not sent again to a client that has it', () =>
    withApp(async (harness) => {
      const path = await uploaded(harness);
      const { headers } = await harness.app.request(path, { method: 'HEAD' });
      expect(headers.get('Content-Length')).toBe('10');
      expect(headers.get('Accept-Ranges')).toBe('bytes');
      const etag = headers.get('ETag') ?? '';
      const again = await harness.app.request(path, { headers: { 'If-None-Match': `"other", W/${etag}` } });
      expect([again.status, await again.text()]).toEqual([304, '']);
    }));

  it('is sent as a whole where the range is of another version', () =>
    withApp(async (harness) => {
      const path = await uploaded(harness);
      const { headers } = await harness.app.request(path);
      const range = (tag: string) => ({ headers: { Range: 'bytes=0-1', 'If-Range': tag } });
      expect((await harness.app.request(path, range(headers.get('ETag') ?? ''))).status).toBe(206);
      expect((await harness.app.request(path, range(headers.get('Last-Modified') ?? ''))).status).toBe(206);
      expect((await harness.app.request(path, range('"other"'))).status).toBe(200);
    }));
});
