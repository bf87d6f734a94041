import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { File } from '../../schema/file.ts';
import { fileName, SOURCES } from '../../store/names.ts';
import { contentOf } from '../support/tenant-content.ts';
import { type Harness, withApp } from './harness.ts';

async function upload(app: Harness['app'], body: BodyInit, query = ''): Promise<File> {
  const response = await app.request(`/v1/files${query}`, {
    method: 'POST',
    body,
    duplex: 'half',
  } as RequestInit); // `duplex` is not yet in TypeScript's DOM types
  expect(response.status).toBe(201);
  const file = File.parse(await response.json());
  expect(response.headers.get('Location')).toBe(`/v1/files/${file.id}`);
  return file;
}

describe('a file with a time to expire', () => {
  it.each([
    ['in the query', (app: Harness['app']) => upload(app, 'abc', '?expires_after[seconds]=3600')],
    [
      'in a form, as clients of OpenAI send it',
      (app: Harness['app']) => {
        const form = new FormData();
        form.set('purpose', 'user_data');
        form.set('expires_after[anchor]', 'created_at');
        form.set('expires_after[seconds]', '3600');
        form.set('file', new Blob(['abc']), 'a.txt');
        return upload(app, form);
      },
    ],
  ])('given %s, is gone from then on', (_, send) =>
    withApp(async ({ app, clock, store }) => {
      const file = await send(app);
      expect(file.expires_at).toBe(file.created_at + 3600);
      await clock.sleep(3_599_000);
      expect((await app.request(`/v1/files/${file.id}`)).status).toBe(200);
      await clock.sleep(1000);
      expect((await app.request(`/v1/files/${file.id}`)).status).toBe(404);
      expect((await app.request(`/v1/files/${file.id}/content`)).status).toBe(404);
      expect(await (await app.request('/v1/files')).json()).toMatchObject({ data: [], has_more: false });
      expect(await store.head(fileName(file.id))).toBeUndefined();
      for await (const name of store.list(`${SOURCES}/`)) expect.unreachable(`${name} was kept`);
    }),
  );

  it('that is too short is refused', () =>
    withApp(async ({ app }) => {
      const response = await app.request('/v1/files?expires_after[seconds]=60', {
        method: 'POST',
        body: 'a',
      });
      expect(response.status).toBe(400);
    }));
});

describe('an uploaded file', () => {
  it('is stored under the hash of its bytes, and can be read and deleted', () =>
    withApp(async ({ app, store }) => {
      const bytes = crypto.getRandomValues(new Uint8Array(50_000));
      const file = await upload(app, bytes, '?filename=talk.mp4');
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(file).toMatchObject({ filename: 'talk.mp4', bytes: 50_000, sha256 });
      expect(Buffer.from(await contentOf(store).bytes(`${SOURCES}/${sha256}`)).equals(bytes)).toBe(true);
      expect(await (await app.request(`/v1/files/${file.id}`)).json()).toEqual(file);
      const deleted = await app.request(`/v1/files/${file.id}`, { method: 'DELETE' });
      expect(await deleted.json()).toEqual({ id: file.id, object: 'file', deleted: true });
      expect((await app.request(`/v1/files/${file.id}`)).status).toBe(404);
    }));

  it('is taken from `curl --data-binary`, which announces a form', () =>
    withApp(async ({ app }) => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      expect((await app.request('/v1/files', { method: 'POST', body: 'a=b', headers })).status).toBe(201);
    }));

  it('has a new id for each upload, and its bytes are stored once', () =>
    withApp(async ({ app, store }) => {
      const [a, b] = [await upload(app, 'same'), await upload(app, 'same')];
      expect(a.id).not.toBe(b.id);
      const sources: string[] = [];
      for await (const name of contentOf(store).list(`${SOURCES}/`)) sources.push(name);
      expect(sources).toEqual([`${SOURCES}/${a.sha256}`]);
    }));

  it('is read no further than the limit, and nothing of a longer one stays', () =>
    withApp(async ({ app, store }) => {
      let sent = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 1;
          controller.enqueue(new Uint8Array(100_000));
        },
      });
      const response = await app.request('/v1/files', {
        method: 'POST',
        body: endless,
        duplex: 'half',
      } as RequestInit); // see above
      expect(response.status).toBe(413);
      expect(sent).toBeLessThan(20);
      for await (const name of store.list('')) expect.unreachable(`${name} was stored`);
    }));

  it('leaves nothing when the client goes away half-way', () =>
    withApp(async ({ app, store }) => {
      const broken = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(1000)),
        pull: (controller) => controller.error(new Error('connection reset')),
      });
      const response = await app.request('/v1/files', {
        method: 'POST',
        body: broken,
        duplex: 'half',
      } as RequestInit); // see above
      expect(response.status).toBe(500);
      for await (const name of store.list('')) expect.unreachable(`${name} was stored`);
    }));

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\videos\\a.mp4', 'a.mp4'],
    ['a\u0000b\r\nc.mp4', 'abc.mp4'],
    ['photo\u202egpj.exe', 'photogpj.exe'],
    ['  ', 'file'],
    ['f\u006f\u0308o.pdf', 'f\u00f6o.pdf'],
    ['a'.repeat(300), 'a'.repeat(255)],
  ])('called %j is shown as %j', (given, shown) =>
    withApp(async ({ app, store }) => {
      const file = await upload(app, 'x', `?filename=${encodeURIComponent(given)}`);
      expect(file.filename).toBe(shown);
      expect(await store.head(fileName(file.id))).toBeDefined();
    }),
  );
});
