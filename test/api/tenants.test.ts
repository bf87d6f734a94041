/** R17: nothing of one tenant can be read, changed or used by another, on any route of the contract, however it is asked. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { parseApiKeys } from '../../config/api-keys.ts';
import type { Estimate } from '../../schema/estimate.ts';
import { type FileId, type JobId, newUploadId, type UploadId } from '../../schema/ids.ts';
import type { StoredUpload } from '../../schema/upload.ts';
import { uploadName } from '../../store/names.ts';
import { pick, seededRandom } from '../world/random.ts';
import { type Harness, PROGRESS, withApp } from './harness.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const keys = parseApiKeys(`ada:${sha256('key-a')},bob:${sha256('key-b')}`);
const ada = { Authorization: 'Bearer key-a' };
const bob = { Authorization: 'Bearer key-b' };

/** Stands in everything that is Ada's; whoever sees it has read what is hers. */
const MARK = 'adas-own-words';

interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly requestBody?: unknown }>>>>;
}

interface Owned {
  readonly summaries: JobId;
  readonly files: FileId;
  readonly batches: string;
  readonly estimates: string;
  readonly uploads: UploadId;
}

async function adasThings({ app, post, orchestrator, store, clock }: Harness): Promise<Owned> {
  const uploaded = await app.request(`/v1/files?filename=${MARK}.pdf`, {
    method: 'POST',
    body: MARK,
    headers: ada,
  });
  const file = (await uploaded.json()) as { id: FileId };
  const body = { source: { type: 'deck', file_id: file.id }, prompt: MARK };
  const job = (await (await post('/v1/summaries', body, ada)).json()) as { id: JobId };
  orchestrator.upsert(job.id, { progress: PROGRESS, startedAt: '2026-01-01T00:00:00.000Z' });
  const name = `jobs/${job.id}/run-1/result.json`;
  await store.put(name, new TextEncoder().encode(JSON.stringify({ summary: MARK })));
  orchestrator.upsert(job.id, {
    outcome: { status: 'completed_with_gaps', result: { name, sha256: 'a'.repeat(64) } },
  });
  orchestrator.close(job.id, 'completed');
  const batch = (await (
    await post(
      '/v1/batches',
      {
        endpoint: '/v1/summaries',
        metadata: { note: MARK },
        requests: [{ custom_id: MARK, method: 'POST', url: '/v1/summaries', body }],
      },
      ada,
    )
  ).json()) as { id: string };
  const estimate = (await (await post('/v1/estimates?wait=0', body, ada)).json()) as Estimate;
  // As it stands in the store of a bucket once it is complete: that takes no bucket any more.
  const upload: StoredUpload = {
    id: newUploadId(),
    tenant: 'ada',
    fileId: file.id,
    filename: MARK,
    ...{ purpose: 'source', bytes: MARK.length, createdAt: clock.now() },
    direct: { key: MARK, uploadId: MARK },
  };
  await store.put(uploadName(upload.id), new TextEncoder().encode(JSON.stringify(upload)));
  return {
    ...{ summaries: job.id, files: file.id, batches: batch.id, estimates: estimate.id },
    uploads: upload.id,
  };
}

/** The path with what is Ada's in it, or undefined where nothing of anybody's is named. */
function filled(path: string, owned: Owned): string | undefined {
  const [, , kind = ''] = path.split('/');
  // Models belong to no tenant.
  if (!path.includes('{id}') || kind === 'models') return undefined;
  const id = Object.hasOwn(owned, kind) ? owned[kind as keyof Owned] : undefined;
  if (id === undefined) throw new Error(`this test knows no ${kind}: give it some of Ada's`);
  return path.replace('{id}', id).replace(/\{\w+\}/g, '0');
}

async function contractOf({ app }: Harness): Promise<readonly (readonly [string, string])[]> {
  const { paths } = (await (await app.request('/openapi.json')).json()) as Contract; // our own
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => [method.toUpperCase(), path] as const),
  );
}

/** What is sent, such that nothing but the tenant stands in its way. */
function bodyFor(method: string, path: string): unknown {
  if (method === 'PATCH') return { max_in_flight: 3 };
  return path.endsWith('/parts') ? { part_numbers: [1] } : {};
}

function send(
  { app }: Harness,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<Response> {
  const body = method === 'PATCH' || method === 'POST' ? JSON.stringify(bodyFor(method, path)) : null;
  return Promise.resolve(
    app.request(path, { method, body, headers: { 'Content-Type': 'application/json', ...headers } }),
  );
}

it('every route with an id returns 404 to another tenant and changes nothing', () =>
  withApp(
    async (harness) => {
      const owned = await adasThings(harness);
      const routes = await contractOf(harness);
      const before = JSON.stringify(
        await (await send(harness, 'GET', `/v1/summaries/${owned.summaries}`, ada)).json(),
      );
      let tried = 0;
      for (const [method, path] of routes) {
        const address = filled(path, owned);
        if (address === undefined) continue;
        tried += 1;
        const response = await send(harness, method, address, bob);
        const text = await response.text();
        expect([method, path, response.status]).toEqual([method, path, 404]);
        expect(text).not.toContain(MARK);
        // Nor does it tell apart what there is from what there is not.
        const nobodys = address.replace(/_[a-z2-7]{26}/, `_${'b'.repeat(26)}`);
        const unknown = await (await send(harness, method, nobodys, bob)).json();
        expect({ ...JSON.parse(text), request_id: '' }).toEqual({ ...unknown, request_id: '' });
      }
      expect(tried).toBeGreaterThan(15);
      for (const [kind, id] of Object.entries(owned))
        expect([kind, (await send(harness, 'GET', `/v1/${kind}/${id}`, ada)).status]).toEqual([kind, 200]);
      const after = await (await send(harness, 'GET', `/v1/summaries/${owned.summaries}`, ada)).json();
      expect(JSON.stringify(after)).toBe(before);
      expect(harness.orchestrator.batches.told).toEqual([]);
    },
    { keys },
  ));

it('lists and totals of another tenant are empty, and nothing can be made of what is not his', () =>
  withApp(
    async (harness) => {
      const owned = await adasThings(harness);
      for (const [method, path] of await contractOf(harness)) {
        if (method !== 'GET' || path.includes('{')) continue;
        const response = await send(harness, method, path, bob);
        const text = await response.text();
        expect(text).not.toContain(MARK);
        for (const id of Object.values(owned)) expect([path, text.includes(id)]).toEqual([path, false]);
      }
      const { post } = harness;
      const bodies = [
        { source: { type: 'deck', file_id: owned.files } },
        { source: { type: 'images', file_ids: [owned.files] } },
        { source: { type: 'video', url: 'https://a.example/v.mp4', subtitles: { file_id: owned.files } } },
        { source: { type: 'video', url: 'https://a.example/v.mp4', deck: { file_id: owned.files } } },
      ];
      for (const body of bodies) {
        for (const path of ['/v1/summaries', '/v1/estimates'])
          expect([path, (await post(path, body, bob)).status]).toEqual([path, 422]);
        const line = { custom_id: 'x', method: 'POST', url: '/v1/summaries', body };
        const batch = await post('/v1/batches', { endpoint: '/v1/summaries', requests: [line] }, bob);
        expect(await batch.json()).toMatchObject({ errors: { data: [{ code: 'source_missing' }] } });
      }
      const stolen = await post(
        '/v1/batches',
        { endpoint: '/v1/summaries', input_file_id: owned.files },
        bob,
      );
      expect(stolen.status).toBe(404);
    },
    { keys },
  ));

it('2,000 requests put together by chance, with his key or without, show nothing of hers', () =>
  withApp(
    async (harness) => {
      const owned = await adasThings(harness);
      const routes = await contractOf(harness);
      const random = seededRandom(17);
      const ids = Object.values(owned);
      const seen = new Map<number, number>();
      for (let index = 0; index < 2000; index += 1) {
        const [, path] = pick(random, routes);
        const method = pick(random, ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);
        const id = pick(random, [...ids, ids[0]?.toUpperCase() ?? '', `${ids[0]}%2f..`, `..%2f${ids[0]}`]);
        const query = pick(random, [
          '',
          `?cursor=${ids[0]}`,
          `?after=${owned.batches}`,
          `?tenant=ada`,
          '?limit=100',
          '?wait=0',
        ]);
        const headers = pick<Record<string, string>>(random, [
          bob,
          bob,
          { ...bob, 'X-Tenant': 'ada', 'X-Forwarded-User': 'ada' },
          { ...bob, Accept: 'text/event-stream', 'Last-Event-ID': '-1' },
          { ...bob, 'Idempotency-Key': MARK },
          { Authorization: `Bearer ${sha256('key-a')}` },
          { Authorization: 'Bearer key-b, Bearer key-a' },
          {},
        ]);
        const address = path.replace(/\{\w+\}/, id).replace(/\{\w+\}/g, '0') + query;
        const response = await send(harness, method, address, headers);
        const text = await response.text();
        expect([method, address, text.includes(MARK)]).toEqual([method, address, false]);
        seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
        // His own lists are all that he is shown.
        if (response.status === 200)
          for (const own of ids) expect([address, text.includes(own)]).toEqual([address, false]);
      }
      expect(seen.get(404)).toBeGreaterThan(200);
      expect(seen.get(401)).toBeGreaterThan(200);
      expect(seen.get(500)).toBeUndefined();
    },
    { keys },
  ));
