import { describe, expect, it } from 'vitest';
import { textLines } from '../../api/batches/json-lines.ts';
import { formParts } from '../../api/files/index.ts';
import { Batch, MAX_LINE_BYTES, type ShardLine } from '../../schema/batch.ts';
import { type BatchOutcome, OUTCOME_VERSION } from '../../schema/batch-output.ts';
import { File } from '../../schema/file.ts';
import { batchOutcomeName, batchShardName, batchTextsName } from '../../store/names.ts';
import { type Harness, withApp } from './harness.ts';

const IMAGES = { source: { type: 'images', urls: ['https://example.com/a.png'] } } as const;

function line(id: string, body: unknown = IMAGES, more: object = {}): string {
  return JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/summaries', body, ...more });
}

async function upload(app: Harness['app'], text: string): Promise<string> {
  const form = new FormData();
  // In this order the client of OpenAI sends them.
  form.set('file', new Blob([text]), 'lines.jsonl');
  form.set('purpose', 'batch');
  const response = await app.request('/v1/files', { method: 'POST', body: form });
  const file = File.parse(await response.json());
  expect(file).toMatchObject({ filename: 'lines.jsonl', purpose: 'batch', bytes: text.length });
  return file.id;
}

async function create(
  { app, post }: Harness,
  text: string,
  more: object = {},
  headers: Record<string, string> = {},
): Promise<Batch> {
  const body = { input_file_id: await upload(app, text), endpoint: '/v1/summaries', ...more };
  const response = await post('/v1/batches', body, headers);
  expect(response.status).toBe(200);
  return Batch.parse(await response.json());
}

async function shard(harness: Harness, batch: Batch, number = 0): Promise<readonly ShardLine[]> {
  const record = await harness.orchestrator.batches.describe(batch.id);
  const name = batchShardName(batch.id, record?.memo.input ?? '', number);
  return JSON.parse(new TextDecoder().decode(await harness.store.bytes(name))) as readonly ShardLine[];
}

describe('the lines of a batch', () => {
  it('are validated one by one: an invalid line is reported with its number and stops no other', () =>
    withApp(async (harness) => {
      const batch = await create(
        harness,
        [
          line('a'),
          '{"custom_id": "b", ',
          '',
          line('a'),
          line('c', IMAGES, { method: 'GET' }),
          line('d', { source: { type: 'deck', file_id: `file_${'a'.repeat(26)}` } }),
          line('e', { ...IMAGES, promt: 'x' }),
          line('f', {
            ...IMAGES,
            source: { type: 'images', urls: new Array(900).fill(`https://example.com/${'a'.repeat(50)}`) },
          }),
          line('g', { ...IMAGES, priority: 'high', custom_id: 'own' }),
        ].join('\n'),
        { metadata: { from: 'test' } },
      );
      expect(batch).toMatchObject({
        object: 'batch',
        status: 'validating',
        endpoint: '/v1/summaries',
        request_counts: { total: 8, completed: 0, failed: 6 },
        metadata: { from: 'test' },
        max_in_flight: 16,
      });
      const { memo } = (await harness.orchestrator.batches.describe(batch.id)) ?? {};
      expect(JSON.stringify(memo)).not.toMatch(/from|test|custom_id|method/);
      expect(batch.expires_at - batch.created_at).toBe(24 * 3600);
      expect(batch.errors?.data.map(({ line: at, code }) => [at, code])).toEqual([
        [2, 'invalid_request'],
        [4, 'invalid_request'],
        [5, 'invalid_request'],
        [6, 'source_missing'],
        [7, 'invalid_request'],
        [8, 'payload_too_large'],
      ]);
      expect(batch.errors?.data[1]?.message).toBe('line 1 has the same custom_id');
      expect(batch.errors?.data[2]).toMatchObject({ param: 'method' });
      expect(MAX_LINE_BYTES).toBeLessThan(65_536);
      const lines = await shard(harness, batch);
      const runnable = lines.flatMap((entry) => ('error' in entry ? [] : [entry]));
      expect(
        runnable.map(({ customId, request }) => [customId, request.priority, request.custom_id]),
      ).toEqual([
        ['a', 'low', 'a'],
        ['g', 'high', 'own'],
      ]);
    }));

  it('reject the whole batch with `fail_fast`, and start nothing', () =>
    withApp(async ({ app, post, orchestrator }) => {
      const file = await upload(app, `${line('a')}\nnonsense\n`);
      const body = { input_file_id: file, endpoint: '/v1/summaries', fail_fast: true };
      const response = await post('/v1/batches', body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        detail: '1 invalid line. line 2: the line: is not valid JSON',
      });
      expect(orchestrator.batches.rounds).toBe(0);
    }));

  it(
    'may be 50,000 and no more, and are kept by hundreds',
    () =>
      withApp(
        async (harness) => {
          const lines = Array.from({ length: 50_000 }, (_, index) => line(`line-${index}`));
          const batch = await create(harness, lines.join('\n'));
          expect(batch.request_counts).toEqual({ total: 50_000, completed: 0, failed: 0 });
          const last = await shard(harness, batch, 499);
          expect(last.at(-1)).toMatchObject({ line: 50_000, customId: 'line-49999' });
          const file = await upload(harness.app, [...lines, line('one-more')].join('\n'));
          const response = await harness.post('/v1/batches', {
            input_file_id: file,
            endpoint: '/v1/summaries',
          });
          expect(await response.json()).toMatchObject({ code: 'invalid_request' });
        },
        { maxUploadBytes: 20_000_000 },
      ),
    120_000,
  );

  it('are shown with the metadata and errors in the memo of an earlier version, and without texts that have expired', () =>
    withApp(async (harness) => {
      const { id } = await create(harness, line('a'), { metadata: { from: 'test' } });
      const { batches } = harness.orchestrator;
      const shown = async (): Promise<Batch> =>
        Batch.parse(await (await harness.app.request(`/v1/batches/${id}`)).json());
      const { memo } = (await batches.describe(id)) ?? {};
      await harness.store.delete(batchTextsName(id, memo?.input ?? ''));
      expect((await shown()).metadata).toBeNull();
      const error = { code: 'invalid_request', message: 'is bad', line: 2, param: null };
      batches.upsert(id, { metadata: { from: 'before' }, errors: [error] });
      expect(await shown()).toMatchObject({ metadata: { from: 'before' }, errors: { data: [error] } });
    }));

  it('do not pass passwords of sources to Temporal', () =>
    withApp(async (harness) => {
      const source = { type: 'deck', url: 'https://example.com/a.pdf', password: 'open sesame' };
      const batch = await create(harness, line('a', { source }));
      expect(JSON.stringify(await shard(harness, batch))).not.toContain('sesame');
    }));

  it.each([
    ['no lines', { input: '\n \n' }, 400],
    ['another endpoint', { endpoint: '/v1/chat/completions' }, 400],
    ['neither file nor lines', { input_file_id: undefined }, 400],
    ['a window that is none', { completion_window: 'soon' }, 400],
    ['a file that is not there', { input_file_id: `file_${'b'.repeat(26)}` }, 404],
  ])('are refused as a whole: %s', (_, { input, ...change }: Record<string, unknown>, status) =>
    withApp(async ({ app, post }) => {
      const file = await upload(app, typeof input === 'string' ? input : line('a'));
      const response = await post('/v1/batches', {
        input_file_id: file,
        endpoint: '/v1/summaries',
        ...change,
      });
      expect(response.status).toBe(status);
    }),
  );

  it('can come in the request itself', () =>
    withApp(async ({ post }) => {
      const requests = [JSON.parse(line('a')), { custom_id: 'b' }];
      const response = await post('/v1/batches', { requests, endpoint: '/v1/summaries' });
      expect(Batch.parse(await response.json())).toMatchObject({
        input_file_id: null,
        request_counts: { total: 2, failed: 1 },
      });
    }));
});

describe('the same batch', () => {
  it('with the same idempotency key is one batch, also for a file uploaded twice; rejects other lines with that key', () =>
    withApp(async (harness) => {
      const key = { 'Idempotency-Key': 'nightly' };
      const first = await create(harness, line('a'), {}, key);
      const again = await Promise.all(Array.from({ length: 10 }, () => create(harness, line('a'), {}, key)));
      expect(new Set(again.map(({ id }) => id))).toEqual(new Set([first.id]));
      expect(harness.orchestrator.batches.rounds).toBe(1);
      const other = await upload(harness.app, line('b'));
      const body = { input_file_id: other, endpoint: '/v1/summaries' };
      expect((await harness.post('/v1/batches', body, key)).status).toBe(409);
      expect((await create(harness, line('a'))).id).not.toBe(first.id);
    }));
});

describe('the results of a batch', () => {
  const outcome: BatchOutcome = {
    version: OUTCOME_VERSION,
    ok: false,
    job: null,
    error: { code: 'no_pages', message: 'No pages.' },
  };

  it('are those so far while it runs, and one for each line once it has ended', () =>
    withApp(async (harness) => {
      const batch = await create(harness, [line('a'), 'bad', line('c')].join('\n'));
      const put = (at: number, round: number, value: BatchOutcome) =>
        harness.store.put(
          batchOutcomeName(batch.id, at, round),
          new TextEncoder().encode(JSON.stringify(value)),
        );
      await put(3, 1, outcome);
      const read = async () => {
        const response = await harness.app.request(`/v1/batches/${batch.id}/results`);
        expect(response.headers.get('Content-Type')).toBe('application/jsonl');
        const text = await response.text();
        return text
          .trimEnd()
          .split('\n')
          .map((entry) => JSON.parse(entry) as { custom_id: string; error: { code: string } });
      };
      expect((await read()).map(({ error }) => error.code)).toEqual(['invalid_request', 'no_pages']);
      harness.orchestrator.batches.upsert(batch.id, { status: 'expired' });
      harness.orchestrator.batches.close(batch.id, 'completed');
      expect((await read()).map(({ custom_id, error }) => [custom_id, error.code])).toEqual([
        ['a', 'batch_expired'],
        [null, 'invalid_request'],
        ['c', 'no_pages'],
      ]);
    }));
});

describe('control of a batch', () => {
  it('pauses, resumes, and changes the number of jobs under way', () =>
    withApp(async (harness) => {
      const { app, post, orchestrator } = harness;
      const { id } = await create(harness, line('a'));
      const tell = async (verb: string) =>
        (await (await post(`/v1/batches/${id}/${verb}`, '')).json()) as Batch;
      orchestrator.batches.upsert(id, { status: 'in_progress' });
      expect((await tell('pause')).status).toBe('paused');
      expect((await tell('resume')).status).toBe('in_progress');
      const patched = await app.request(`/v1/batches/${id}`, {
        method: 'PATCH',
        body: JSON.stringify({ max_in_flight: 3 }),
        headers: { 'Content-Type': 'application/json' },
      });
      expect(await patched.json()).toMatchObject({ max_in_flight: 3 });
      expect((await tell('cancel')).status).toBe('cancelling');
    }));

  it('is rejected in a state that it does not apply to', () =>
    withApp(async (harness) => {
      const { post, orchestrator } = harness;
      const { id } = await create(harness, [line('a'), line('b'), 'bad'].join('\n'));
      const tell = (verb: string) => post(`/v1/batches/${id}/${verb}`, '');
      expect(await (await tell('retry')).json()).toMatchObject({ code: 'batch_state' });
      orchestrator.batches.upsert(id, { status: 'completed', completed: 1, failed: 2 });
      orchestrator.batches.close(id, 'completed');
      expect((await tell('pause')).status).toBe(409);
      expect(((await (await tell('cancel')).json()) as Batch).status).toBe('completed');
      expect(await (await tell('retry')).json()).toMatchObject({
        round: 2,
        status: 'validating',
        request_counts: { total: 3, completed: 1, failed: 1 },
      });
      orchestrator.batches.upsert(id, { status: 'completed', completed: 2 });
      orchestrator.batches.close(id, 'completed');
      expect(await (await tell('retry')).json()).toMatchObject({ code: 'batch_state' });
    }));

  it('reaches no batch of another tenant', async () => {
    const keys = await Promise.all(
      ['alice', 'bob'].map(async (tenant) => {
        const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`key-of-${tenant}`));
        return { tenant, sha256: Buffer.from(hash).toString('hex') };
      }),
    );
    await withApp(
      async ({ app, post }) => {
        const as = (tenant: string) => ({ Authorization: `Bearer key-of-${tenant}` });
        const body = { requests: [JSON.parse(line('a'))], endpoint: '/v1/summaries' };
        const { id } = (await (await post('/v1/batches', body, as('alice'))).json()) as Batch;
        for (const path of ['', '/results'])
          expect((await app.request(`/v1/batches/${id}${path}`, { headers: as('bob') })).status).toBe(404);
        for (const verb of ['pause', 'resume', 'cancel', 'retry'])
          expect((await post(`/v1/batches/${id}/${verb}`, '', as('bob'))).status).toBe(404);
        const listed = await app.request('/v1/batches', { headers: as('bob') });
        expect(await listed.json()).toMatchObject({ data: [], has_more: false });
      },
      { keys },
    );
  });
});

describe('a form', () => {
  const text = [
    'before the first part',
    '--bound',
    'Content-Disposition: form-data; name="file"; filename="a \\"b\\".txt"',
    'Content-Type: text/plain',
    '',
    'one\r\n--boun not the end\r\n',
    '--bound',
    'content-disposition: form-data; name=empty',
    '',
    '',
    '--bound--',
    'after the last',
  ].join('\r\n');

  it.each([1, 2, 3, 7, 1000])('is read the same in pieces of %i bytes', async (size) => {
    const bytes = new TextEncoder().encode(text);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const parts: unknown[] = [];
    for await (const { name, filename, body } of formParts(pieces(), 'bound')) {
      let content = '';
      for await (const chunk of body) content += new TextDecoder().decode(chunk);
      parts.push([name, filename, content]);
    }
    expect(parts).toEqual([
      ['file', 'a "b".txt', 'one\r\n--boun not the end\r\n'],
      ['empty', undefined, ''],
    ]);
  });
});

describe('lines of text', () => {
  it('are numbered as in editors; blank lines are skipped; lines that are too long or not UTF-8 are reported', async () => {
    const bytes = new Uint8Array([
      ...new TextEncoder().encode('\uFEFFone\r\n\n  \nlonger than ten\nü'),
      ...[10, 255, 10],
      ...new TextEncoder().encode('last'),
    ]);
    for (const size of [1, 4, 100]) {
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const found: unknown[] = [];
      for await (const { line: number, text } of textLines(pieces(), 10)) found.push([number, text?.trim()]);
      expect(found).toEqual([
        [1, 'one'],
        [4, undefined],
        [5, 'ü'],
        [6, undefined],
        [7, 'last'],
      ]);
    }
  });
});
