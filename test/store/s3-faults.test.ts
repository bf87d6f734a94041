import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { openPlainStore } from '../../store/open-store.ts';
import { createS3Client } from '../../store/s3/client.ts';
import { createS3Store } from '../../store/s3/index.ts';
import { elements } from '../../store/s3/xml.ts';
import {
  type Fault,
  type FaultProxy,
  faultFirst,
  type ProxiedRequest,
  startFaultProxy,
} from '../support/fault-proxy.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { all, collect, createSha256, mebibytes, PART, sha256, sha256Of, text } from './contract.ts';

const PASSING: readonly (readonly [string, Fault])[] = [
  ['500', { kind: 'status', status: 500, code: 'InternalError' }],
  ['503', { kind: 'status', status: 503, code: 'SlowDown' }],
  ['a reset connection', { kind: 'reset' }],
  ['a lost response', { kind: 'lost-response' }],
  ['no response', { kind: 'hang' }],
];

const isPut = ({ method }: ProxiedRequest): boolean => method === 'PUT';
const isGet = ({ method }: ProxiedRequest): boolean => method === 'GET';
const isHead = ({ method }: ProxiedRequest): boolean => method === 'HEAD';
const always = (matches: (seen: ProxiedRequest) => boolean, fault: Fault) =>
  faultFirst(Number.POSITIVE_INFINITY, matches, fault);

describe.skipIf(NO_S3_SERVER !== undefined)(
  `a bucket that fails${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let bucket: TestBucket;
    let proxy: FaultProxy;
    let prefix: string;
    let store: ReturnType<typeof createS3Store>;
    beforeAll(async () => {
      bucket = await startBucket();
    });
    afterAll(() => bucket[Symbol.asyncDispose]());
    beforeEach(async () => {
      proxy = await startFaultProxy(bucket.options.endpoint);
      prefix = `${crypto.randomUUID()}/`;
      store = open(20_000);
    });
    afterEach(() => proxy[Symbol.asyncDispose]());

    /**
     * A store that waits for an answer for so many milliseconds. Only where none ever comes is that time
     * spent.
     */
    function open(answer: number): ReturnType<typeof createS3Store> {
      const limits = {
        attempts: 4,
        responseTimeoutMs: answer,
        idleTimeoutMs: answer,
        firstBackoffMs: 5,
        minBytesPerMs: 50_000,
      };
      return createS3Store({
        ...bucket.options,
        endpoint: proxy.endpoint,
        prefix,
        createSha256,
        limits,
        partBytes: PART,
      });
    }
    const patience = (fault: Fault): number => (fault.kind === 'hang' ? 400 : 20_000);

    /** Everything in the bucket under this test's prefix, and uploads under way. */
    async function everything(): Promise<readonly string[]> {
      const client = createS3Client(bucket.options);
      const objects = await client.text({ method: 'GET', query: { 'list-type': '2', prefix } });
      const uploads = await client.text({ method: 'GET', query: { uploads: '', prefix } });
      return [
        ...elements(objects, 'Key').map((key) => key.slice(prefix.length)),
        ...elements(uploads, 'UploadId'),
      ];
    }

    describe.each(PASSING)('with %s', (_, fault) => {
      beforeEach(() => {
        store = open(patience(fault));
      });

      it('publishes after the fault', async () => {
        proxy.plan = faultFirst(2, isPut, fault);
        const info = await store.put('crops/a', text('hello'));
        expect(info.sha256).toBe(sha256('hello'));
        expect(await collect(await store.read('crops/a'))).toBe('hello');
        expect(await everything()).toEqual(['crops/a']);
      });

      it('reads after the fault', async () => {
        await store.put('crops/a', text('hello'));
        proxy.plan = faultFirst(2, isGet, fault);
        expect(await collect(await store.read('crops/a'))).toBe('hello');
        proxy.plan = faultFirst(2, isHead, fault);
        expect(await store.head('crops/a')).toMatchObject({ bytes: 5 });
      });

      it('lists after the fault', async () => {
        await store.put('crops/a', text('hello'));
        proxy.plan = faultFirst(2, isGet, fault);
        expect(await all(store.list('crops/'))).toEqual(['crops/a']);
      });

      it('reports a permanent fault as unavailable', async () => {
        await store.put('crops/a', text('hello'));
        proxy.plan = always(() => true, fault);
        const unavailable = { name: 'StoreError', code: 'unavailable' };
        await expect(store.put('crops/b', text('x'))).rejects.toMatchObject(unavailable);
        await expect(store.read('crops/a')).rejects.toMatchObject(unavailable);
        await expect(store.head('crops/a')).rejects.toMatchObject(unavailable);
        await expect(all(store.entries('crops/'))).rejects.toMatchObject(unavailable);
        await expect(store.touch('crops/a')).rejects.toMatchObject(unavailable);
        await expect(store.expire('crops/a', Date.now() + 9000)).rejects.toMatchObject(unavailable);
      });
    });

    it.each(PASSING)('sends a complete large body despite %s at every kind of request', async (_, fault) => {
      store = open(fault.kind === 'hang' ? 3000 : 20_000);
      const sum = await sha256Of(mebibytes(12));
      for (const matches of [
        ({ url }: ProxiedRequest) => url.includes('uploads='),
        ({ url }: ProxiedRequest) => url.includes('partNumber=2'),
        ({ method, url }: ProxiedRequest) => method === 'POST' && url.includes('uploadId='),
        ({ method, url }: ProxiedRequest) => method === 'PUT' && !url.includes('uploadId='),
      ]) {
        proxy.plan = faultFirst(1, matches, fault);
        const { name } = await store.putByContent('sources', mebibytes(12));
        expect(await sha256Of(await store.read(name))).toBe(sum);
        await store.delete(name);
      }
      // An upload whose beginning was told to nobody is all that may be left; it is swept.
      proxy.plan = () => undefined;
      await store.sweep(Date.now() + 5000);
      expect(await everything()).toEqual([]);
    });

    it('finds the artifact that exists where every conditional put is cut off', async () => {
      const written = await store.putByContent('sources', text('here already'));
      proxy.plan = always(isPut, { kind: 'reset' });
      expect(await store.putByContent('sources', text('here already'))).toMatchObject({
        name: written.name,
        sha256: written.sha256,
      });
      await expect(store.putByContent('sources', text('not here'))).rejects.toMatchObject({
        code: 'unavailable',
      });
    });

    it('resumes an interrupted body at the next byte', async () => {
      const { name, sha256: sum } = await store.putByContent('sources', mebibytes(12));
      proxy.plan = faultFirst(3, isGet, { kind: 'truncated', bytes: 3_000_001 });
      expect(await sha256Of(await store.read(name))).toBe(sum);
      expect(proxy.requests.filter(isGet).length).toBeGreaterThanOrEqual(4);
    });

    it('fails if a body stops', async () => {
      const { name } = await store.putByContent('sources', mebibytes(12));
      proxy.plan = always(isGet, { kind: 'truncated', bytes: 0 });
      await expect(collect(await store.read(name, { start: 0 }))).rejects.toMatchObject({
        code: 'unavailable',
      });
    });

    it('rereads an artifact that was damaged in transit and keeps it', async () => {
      await store.put('crops/a', text('hello'));
      proxy.plan = faultFirst(1, isGet, { kind: 'flipped' });
      expect(new TextDecoder().decode(await store.bytes('crops/a'))).toBe('hello');
      proxy.plan = faultFirst(1, isGet, { kind: 'flipped' });
      // A stream cannot take back what it gave.
      await expect(store.read('crops/a').then(collect)).rejects.toMatchObject({ code: 'unavailable' });
      expect(await store.head('crops/a')).toBeDefined();
    });

    it('fails as unavailable and leaves nothing if a part has another etag', async () => {
      proxy.plan = faultFirst(1, ({ url }) => url.includes('partNumber=1'), { kind: 'etag' });
      await expect(store.put('sources/a', mebibytes(12))).rejects.toMatchObject({ code: 'unavailable' });
      expect(await store.head('sources/a')).toBeUndefined();
      expect(await everything()).toEqual([]);
      proxy.plan = () => undefined;
      await store.put('sources/a', mebibytes(12));
    });

    it('sends two requests before it reports a missing artifact', async () => {
      await store.put('crops/a', text('hello'));
      const gone = { kind: 'status', status: 404, code: 'NoSuchKey' } as const;
      proxy.plan = faultFirst(1, isGet, gone);
      expect(await collect(await store.read('crops/a'))).toBe('hello');
      proxy.plan = always(() => true, gone);
      await expect(store.read('crops/a')).rejects.toMatchObject({ code: 'not_found' });
    });

    it.each([
      [507, 'XMinioStorageFull'],
      [403, 'QuotaExceeded'],
    ])('says that a bucket is full on %i %s, without trying again', async (status, code) => {
      proxy.plan = always(isPut, { kind: 'status', status, code });
      await expect(store.put('crops/a', text('x'))).rejects.toMatchObject({ code: 'full' });
      expect(proxy.requests.filter(isPut)).toHaveLength(1);
    });

    it('sends wrong credentials once and does not disclose them', async () => {
      const wrong = createS3Store({
        ...bucket.options,
        endpoint: proxy.endpoint,
        createSha256,
        credentials: () => ({ accessKeyId: 'test-key', secretAccessKey: 'not-the-secret' }),
      });
      const error: unknown = await wrong.put('crops/a', text('x')).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'unavailable', message: 'the bucket rejects the credentials' });
      expect(proxy.requests).toHaveLength(1);
      const { inspect } = await import('node:util');
      expect(inspect(error, { depth: 9 })).not.toMatch(/not-the-secret|AWS4-HMAC|test-key/);
    });

    it('has constant memory while it transfers 100 MiB through faults', async () => {
      let parts = 0;
      proxy.plan = ({ url }) => {
        if (!url.includes('partNumber=')) return undefined;
        parts += 1;
        return parts % 5 === 0 ? { kind: 'lost-response' } : undefined;
      };
      let peak = 0;
      async function* watched(): AsyncGenerator<Uint8Array> {
        const chunk = new Uint8Array(2 ** 20);
        for (let index = 0; index < 100; index++) {
          peak = Math.max(peak, process.memoryUsage().arrayBuffers);
          yield chunk;
        }
      }
      const before = process.memoryUsage().arrayBuffers;
      const { name } = await store.putByContent('sources', watched());
      proxy.plan = faultFirst(5, isGet, { kind: 'truncated', bytes: 10_000_000 });
      for await (const _ of await store.read(name)) peak = Math.max(peak, process.memoryUsage().arrayBuffers);
      // Two parts of 5 MiB, what they were joined from, and what the collector of garbage has not come to
      // yet.
      expect(peak - before).toBeLessThan(80 * 2 ** 20);
    }, 120_000);

    it('returns URLs that permit reading for a limited time', async () => {
      await store.put('frames/a', text('picture'));
      const large = await store.putByContent('sources', mebibytes(12));
      expect(await (await fetch((await store.signedUrl?.('frames/a', 60)) ?? '')).text()).toBe('picture');
      const answer = await fetch((await store.signedUrl?.(large.name, 60)) ?? '');
      expect(answer.headers.get('content-length')).toBe(String(12 * 2 ** 20));
      await answer.body?.cancel();
      expect(await store.signedUrl?.('frames/none', 60)).toBeUndefined();
      const unsigned = new URL((await store.signedUrl?.('frames/a', 60)) ?? '');
      unsigned.search = '';
      expect((await fetch(unsigned)).status).toBe(403);
    });

    it('limits the local copies and keeps those in use', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'frameloom-files-'));
      try {
        const { credentials, ...place } = bucket.options;
        const local: ArtifactStore = openPlainStore(
          {
            home: folder,
            bucket: { ...place, endpoint: proxy.endpoint, prefix, credentials: await credentials() },
            storeCache: 2500,
            lifetimes: '',
          },
          folder,
        );
        for (const name of ['a', 'b', 'c'])
          await store.put(`sources/${name}`, new Uint8Array(1000).fill(name.charCodeAt(0)));
        const copies = async (): Promise<number> => (await readdir(join(folder, 'artifacts'))).length;
        await local.withFile('sources/a', async () => {
          for (const name of ['b', 'c', 'b']) await local.withFile(`sources/${name}`, async () => undefined);
          expect(await copies()).toBe(2);
        });
        const before = proxy.requests.length;
        await local.withFile('sources/a', async () => undefined);
        expect(proxy.requests.length).toBe(before); // it was kept
        expect(await copies()).toBe(2);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  },
);
