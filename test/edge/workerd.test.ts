/** The API in a real workerd, over the HTTP API of a real Temporal server and a bucket of a real S3 server. */
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError, createClient, type FrameloomClient } from '../../client/index.ts';
import { readSse, type SseMessage } from '../../core/sse.ts';
import type { JobId } from '../../schema/ids.ts';
import { SignedParts, Upload } from '../../schema/upload.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { eventsName, SOURCES } from '../../store/names.ts';
import { createS3Store } from '../../store/s3/index.ts';
import { createTemporalHttpOrchestrator } from '../../temporal/http/index.ts';
import { sampleEvents } from '../api/harness.ts';
import { all, createSha256, mebibytes, sha256Of } from '../store/contract.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { contentOf } from '../support/tenant-content.ts';
import { startTemporalRig, type TemporalRig } from '../temporal/rig.ts';
import { bundleEdge, type RunningEdge, startEdge } from './worker.ts';

const keyHash = (key: string): string => createHash('sha256').update(key).digest('hex');
const as = (tenant: string): Record<string, string> => ({ Authorization: `Bearer key-of-${tenant}` });
const JSON_TYPE = { 'Content-Type': 'application/json' };

describe.skipIf(NO_S3_SERVER !== undefined)(
  `the API in workerd${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let rig: TemporalRig;
    let bucket: TestBucket;
    let store: BlobStore;
    let code: string;
    let vars: Readonly<Record<string, string>>;
    let edge: RunningEdge;
    let anna: FrameloomClient;

    beforeAll(async () => {
      [rig, bucket, { code }] = await Promise.all([startTemporalRig(), startBucket(), bundleEdge()]);
      store = createS3Store({ ...bucket.options, prefix: 'some/where/', createSha256 });
      vars = {
        ...bucket.env,
        FRAMELOOM_API_KEYS: ['anna', 'bob'].map((name) => `${name}:${keyHash(`key-of-${name}`)}`).join(','),
        FRAMELOOM_MAX_UPLOAD_BYTES: String(10 ** 9),
        FRAMELOOM_LOG_LEVEL: 'error',
        TEMPORAL_HTTP_URL: rig.server.httpUrl,
      };
      edge = await startEdge({ code, vars });
      anna = createClient({ url: edge.url, apiKey: 'key-of-anna' });
    }, 120_000);

    afterAll(async () => {
      await edge[Symbol.asyncDispose]();
      await rig[Symbol.asyncDispose]();
      await bucket[Symbol.asyncDispose]();
    }, 30_000);

    const ask = (path: string, init: RequestInit = {}, tenant = 'anna'): Promise<Response> =>
      fetch(edge.url + path, { ...init, headers: { ...as(tenant), ...init.headers } });
    const post = (path: string, body: unknown, tenant?: string): Promise<Response> =>
      ask(path, { method: 'POST', body: JSON.stringify(body), headers: JSON_TYPE }, tenant);
    const start = (prompt: string) =>
      anna.createSummary({ source: { type: 'images', urls: ['https://example.com/a.png'] }, prompt });

    it('is ready when both servers run, and serves its OpenAPI document', async () => {
      expect(await (await fetch(`${edge.url}/readyz`)).json()).toEqual({ status: 'ready' });
      const document = (await (await fetch(`${edge.url}/openapi.json`)).json()) as { paths: object };
      expect(Object.keys(document.paths)).toContain('/v1/uploads/{id}/complete');
      expect((await fetch(`${edge.url}/docs`)).status).toBe(200);
      // Figures of one isolate say nothing.
      expect((await fetch(`${edge.url}/metrics`)).status).toBe(404);
    });

    it('starts a job once, shows it to its tenant only, lists it and cancels it', async () => {
      const [first, second] = await Promise.all([start('once'), start('once')]);
      expect(second.id).toBe(first.id);
      expect(first).toMatchObject({ status: 'queued', request: { prompt: 'once' } });
      const direct = createTemporalHttpOrchestrator({ url: rig.server.httpUrl, namespace: 'default' }, store);
      expect((await direct.describe(first.id as JobId))?.memo.tenant).toBe('anna'); // the contract says so
      expect((await ask(`/v1/summaries/${first.id}`, {}, 'bob')).status).toBe(404);
      await expect
        .poll(async () => (await anna.listSummaries()).data.map(({ id }) => id), { timeout: 20_000 })
        .toContain(first.id);
      expect(['cancelling', 'cancelled']).toContain((await anna.cancelSummary(first.id)).status);
      await expect
        .poll(async () => (await anna.getSummary(first.id)).status, { timeout: 20_000 })
        .toBe('cancelled');
      await anna.deleteSummary(first.id);
      expect((await ask(`/v1/summaries/${first.id}`)).status).toBe(404);
    });

    it('waits for a job for the requested time, then returns its current state', async () => {
      const response = await post('/v1/summaries?wait=1', {
        source: { type: 'images', urls: ['https://example.com/a.png'] },
        prompt: 'wait',
      });
      expect(response.status).toBe(202);
      expect(await response.json()).toMatchObject({ status: 'queued' });
    });

    it('takes a large file past itself, and hashes it to the same artifact as an ordinary one', async () => {
      const body = new Uint8Array(Buffer.concat(await all(mebibytes(20))));
      const created = await post('/v1/uploads', { filename: 'talk.mp4', bytes: body.byteLength });
      expect(created.status).toBe(201);
      const { id, part_bytes, parts } = Upload.parse(await created.json());
      const numbers = Array.from({ length: parts }, (_, index) => index + 1);
      const signed = await post(`/v1/uploads/${id}/parts`, { part_numbers: numbers });
      for (const { part_number, bytes, url } of SignedParts.parse(await signed.json()).data) {
        expect(url.startsWith(bucket.options.endpoint)).toBe(true);
        const from = (part_number - 1) * part_bytes;
        const sent = await fetch(url, { method: 'PUT', body: body.slice(from, from + bytes) });
        expect(sent.status).toBe(200);
        await sent.body?.cancel();
      }
      const done = await ask(`/v1/uploads/${id}/complete`, { method: 'POST' });
      expect(done.status).toBe(200);
      const { file } = Upload.parse(await done.json());
      const sha256 = createHash('sha256').update(body).digest('hex');
      expect(file).toMatchObject({ filename: 'talk.mp4', bytes: body.byteLength, sha256 });
      expect(await sha256Of(await contentOf(store, 'anna').read(`${SOURCES}/${sha256}`))).toBe(sha256);
      // The same bytes through the edge, in parts that it holds itself, are that artifact again.
      const through = await anna.uploadFile(new Blob([body]), 'talk.mp4');
      expect(through).toMatchObject({ sha256, bytes: body.byteLength });
      const back = await ask(`/v1/files/${through.id}/content`);
      expect(hashBearerKey(await back.arrayBuffer())).toBe(sha256);
    }, 60_000);

    it('streams events as they come, and goes on after Last-Event-ID', async () => {
      const { id } = await start('events');
      const direct = createTemporalHttpOrchestrator({ url: rig.server.httpUrl, namespace: 'default' }, store);
      const run = (await direct.describe(id as JobId))?.run ?? ''; // the contract says so
      const events = sampleEvents(5);
      const write = (from: number, to: number): Promise<unknown> =>
        store.put(
          eventsName(id, run, from),
          new TextEncoder().encode(JSON.stringify(events.slice(from - 1, to))),
        );

      await write(1, 2);
      const leaving = new AbortController();
      const first = await ask(`/v1/summaries/${id}/events`, { signal: leaving.signal });
      expect(first.headers.get('Content-Type')).toMatch('text/event-stream');
      const seen: string[] = [];
      for await (const message of messagesOf(first)) {
        seen.push(message.id ?? '');
        if (seen.length === 3) break;
      }
      expect(seen).toEqual(['0', '1', '2']);
      leaving.abort();

      const second = await ask(`/v1/summaries/${id}/events`, { headers: { 'Last-Event-ID': '2' } });
      const rest: string[] = [];
      await write(3, 3);
      for await (const message of messagesOf(second)) {
        rest.push(message.id ?? '');
        // The reader is there before what it reads.
        if (message.id === '3') await write(4, 5);
      }
      expect(rest).toEqual(['3', '4', '5']);
      const after = await ask(`/v1/summaries/${id}/events?after=5`);
      expect(after.status).toBe(200);
      await after.body?.cancel();
    });

    it('serves many clients at once, also when some disconnect', async () => {
      const { id } = await start('many');
      const leaving = new AbortController();
      const streams = await Promise.all(
        Array.from({ length: 10 }, () => ask(`/v1/summaries/${id}/events`, { signal: leaving.signal })),
      );
      const looks = Array.from({ length: 30 }, (_, index) =>
        ask(index % 2 === 0 ? `/v1/summaries/${id}` : '/v1/summaries?limit=5'),
      );
      leaving.abort();
      const statuses = await Promise.all(
        looks.map(async (look) => {
          const response = await look;
          await response.text();
          return response.status;
        }),
      );
      expect(new Set(statuses)).toEqual(new Set([200]));
      await Promise.all(streams.map(({ body }) => body?.cancel().catch(() => undefined))); // broken off already
    });

    it.each([
      ['no key', {}],
      ['a wrong key', { Authorization: 'Bearer key-of-nobody' }],
      ['another scheme', { Authorization: 'Basic a2V5' }],
      ['a tenant without a token', { ...as('nobody'), 'Frameloom-Tenant': 'anna' }],
    ])('lets nobody in with %s', async (_, headers) => {
      const response = await fetch(`${edge.url}/v1/summaries`, { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
      expect(await response.json()).toMatchObject({ code: 'unauthorized' });
    });

    it('lets a caller with a key choose no other tenant', async () => {
      const { id } = await start('mine');
      const named = await ask(`/v1/summaries/${id}`, { headers: { 'Frameloom-Tenant': 'anna' } }, 'bob');
      expect(named.status).toBe(404);
    });

    it.each([
      ['cut off', '{"source":', 400, 'invalid_request'],
      ['no object', '[]', 400, 'invalid_request'],
      ['not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400, 'invalid_request'],
      ['of a wrong shape', '{"source":{"type":"video","url":"ftp://x"}}', 400, 'invalid_request'],
      ['empty', '', 400, 'invalid_request'],
    ])('refuses a body that is %s', async (_, body, status, expected) => {
      const response = await ask('/v1/summaries', { method: 'POST', body, headers: JSON_TYPE });
      expect(response.status).toBe(status);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
      const problem = (await response.json()) as { code: string };
      expect(problem.code).toBe(expected);
      expect(JSON.stringify(problem)).not.toMatch(/\.ts|\.js:|at Object/);
    });

    it('rejects 10 MB of JSON by its declared length before any byte is sent', async () => {
      const { status, sent } = await half(`${edge.url}/v1/summaries`, { 'Content-Length': '10000000' }, 0);
      expect({ status, sent }).toEqual({ status: 413, sent: 0 });
    });

    it('rejects 10 MB of JSON of unknown length at the limit, and reads no further', async () => {
      const { status, sent } = await half(
        `${edge.url}/v1/summaries`,
        { 'Transfer-Encoding': 'chunked' },
        1_100_000,
      );
      expect(status).toBe(413);
      expect(sent).toBeLessThan(10_000_000);
    });

    it('holds a tenant to the limit of the platform, and no other with it', async () => {
      await using limited = await startEdge({ code, vars, limit: 3 });
      const statusOf = async (tenant: string): Promise<number> => {
        const response = await fetch(`${limited.url}/v1/summaries?limit=1`, { headers: as(tenant) });
        await response.body?.cancel();
        return response.status;
      };
      const statuses = [];
      for (let count = 0; count < 4; count += 1) statuses.push(await statusOf('anna'));
      expect(statuses).toEqual([200, 200, 200, 429]);
      expect(await statusOf('bob')).toBe(200);
      const refused = await fetch(`${limited.url}/v1/summaries`, { headers: as('anna') });
      expect(refused.headers.get('Retry-After')).toBe('10');
      expect(await refused.json()).toMatchObject({ code: 'rate_limited' });
    });

    it('enforces a quota of jobs from the state in Temporal', async () => {
      const quotas = { FRAMELOOM_QUOTA_JOBS: '1', FRAMELOOM_QUOTA_VIDEO_SECONDS: '3600' };
      await using counting = await startEdge({ code, vars: { ...vars, ...quotas } });
      const bob = createClient({ url: counting.url, apiKey: 'key-of-bob' });
      const source = { type: 'images' as const, urls: ['https://example.com/a.png'] };
      await bob.createSummary({ source, prompt: 'the first' });
      const another = async (): Promise<string> => {
        try {
          return (await bob.createSummary({ source, prompt: crypto.randomUUID() })).status;
        } catch (error) {
          return error instanceof ApiError ? error.problem.code : 'no answer';
        }
      };
      // Counts lag behind by moments.
      await expect.poll(another, { timeout: 20_000 }).toBe('quota_exceeded');
    });

    it('does not support schedules, and returns a specific error', async () => {
      for (const path of ['/v1/batch-schedules', `/v1/batch-schedules/sched_${'a'.repeat(26)}/pause`]) {
        const response = await post(path, {});
        expect(response.status).toBe(501);
        expect(await response.json()).toMatchObject({ code: 'not_supported' });
      }
    });

    it('connects to Temporal through a binding if there is one', async () => {
      const asked: string[] = [];
      await using bound = await startEdge({
        code,
        vars: { ...vars, TEMPORAL_HTTP_URL: 'http://temporal.internal' },
        upstream: async (request) => {
          const { pathname, search } = new URL(request.url);
          asked.push(pathname);
          const body = request.method === 'POST' ? { body: await request.text() } : {};
          return await fetch(rig.server.httpUrl + pathname + search, { method: request.method, ...body });
        },
      });
      const client = createClient({ url: bound.url, apiKey: 'key-of-anna' });
      expect((await client.listSummaries()).data.length).toBeGreaterThan(0);
      expect(asked).toContain('/api/v1/namespaces/default/workflows');
    });

    it('returns `unavailable` without Temporal', async () => {
      await using alone = await startEdge({
        code,
        vars: { ...vars, TEMPORAL_HTTP_URL: 'http://127.0.0.1:1' },
      });
      expect((await fetch(`${alone.url}/healthz`)).status).toBe(200);
      expect((await fetch(`${alone.url}/readyz`)).status).toBe(503);
      const client = createClient({ url: alone.url, apiKey: 'key-of-anna' });
      const error = await client.listSummaries().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ApiError);
      expect((error as ApiError).problem).toMatchObject({ code: 'unavailable', status: 503 });
    });

    it('serves no requests without keys, and does not reveal which setting is missing', async () => {
      await using broken = await startEdge({ code, vars: { ...vars, FRAMELOOM_API_KEYS: '' } });
      const response = await fetch(`${broken.url}/healthz`);
      expect(response.status).toBe(503);
      expect(await response.text()).not.toMatch(/FRAMELOOM_|TEMPORAL_/);
    });
  },
);

function hashBearerKey(bytes: ArrayBuffer): string {
  return createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
}

/** Those of the log: what tells the place in line has no id. */
async function* messagesOf(response: Response): AsyncGenerator<SseMessage> {
  if (!response.body) throw new Error('no body');
  for await (const message of readSse(response.body)) if (message.id !== undefined) yield message;
}

/** Sends the head of a request and `bytes` of its body, and waits for the answer without ending the body. */
function half(
  url: string,
  headers: Readonly<Record<string, string>>,
  bytes: number,
): Promise<{ readonly status: number; readonly sent: number }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: 'POST',
      headers: { ...as('anna'), ...JSON_TYPE, ...headers },
    });
    request.flushHeaders();
    request.on('error', reject);
    request.on('response', (response) => {
      resolve({ status: response.statusCode ?? 0, sent: bytes });
      request.destroy();
    });
    for (let left = bytes; left > 0; left -= 100_000)
      request.write(Buffer.alloc(Math.min(left, 100_000), 0x20));
  });
}
