/** Batches in the whole system, with the unmodified `openai` package as the client. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandEntry } from '../../cli/package-root.ts';
import type { FileId } from '../../schema/ids.ts';
import { cleanEnv, runFrameloom } from '../cli/run-frameloom.ts';
import { startSystem, type TestSystem } from './system.ts';

let system: TestSystem;
let folder: string;
let images: readonly FileId[];
let poison: FileId;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-batches-'));
  system = await startSystem();
  images = await Promise.all(
    ['#c02020', '#20c020', '#2020c0'].map(async (background, index) => {
      const path = join(folder, `${index}.png`);
      await sharp({ create: { width: 64, height: 64, channels: 3, background } })
        .png()
        .toFile(path);
      return await system.upload(path);
    }),
  );
  await writeFile(join(folder, 'poison.png'), 'not an image\n');
  poison = await system.upload(join(folder, 'poison.png'));
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Returns `count` lines. Every tenth names a file that is not an image, and the last is not a request. */
function lines(count: number, prompt: string): string {
  return Array.from({ length: count }, (_, index) => {
    const file = index % 10 === 3 ? poison : images[index % images.length];
    if (index === count - 1) return '{"custom_id":"last"}';
    return JSON.stringify({
      custom_id: `item-${index}`,
      method: 'POST',
      url: '/v1/summaries',
      body: { source: { type: 'images', file_ids: [file] }, prompt },
    });
  }).join('\n');
}

interface Line {
  readonly id: string;
  readonly custom_id: string | null;
  readonly response: {
    readonly status_code: number;
    readonly body: { readonly status: string; readonly result: unknown };
  } | null;
  readonly error: { readonly code: string } | null;
}

const parse = (text: string): readonly Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line); // as documented

describe('the openai package', () => {
  it('uploads a file, creates a batch, polls it and reads each line once', async () => {
    const openai = new OpenAI({ baseURL: `${system.url}/v1`, apiKey: 'none' });
    const path = join(folder, 'requests.jsonl');
    await writeFile(path, lines(24, 'What colour?'));
    const file = await openai.files.create({ file: createReadStream(path), purpose: 'batch' });
    const created = await openai.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/summaries' as never, // its types list OpenAI's own endpoints
      completion_window: '24h',
      metadata: { from: 'test' },
    });
    expect(created).toMatchObject({ object: 'batch', metadata: { from: 'test' }, input_file_id: file.id });
    const statuses = ['validating', 'in_progress', 'finalizing'];
    await expect
      .poll(async () => statuses.includes((await openai.batches.retrieve(created.id)).status), {
        timeout: 240_000,
        interval: 500,
      })
      .toBe(false);
    const batch = await openai.batches.retrieve(created.id);
    expect(batch).toMatchObject({
      status: 'completed',
      request_counts: { total: 24, completed: 21, failed: 3 },
    });
    expect(batch.errors?.data?.[0]).toMatchObject({ line: 24, code: 'invalid_request' });
    const output = parse(await (await openai.files.content(batch.output_file_id ?? '')).text());
    const errors = parse(await (await openai.files.content(batch.error_file_id ?? '')).text());
    expect(
      output.every(({ response }) => response?.status_code === 200 && response.body.result !== null),
    ).toBe(true);
    expect(errors.map(({ custom_id, error }) => [custom_id, error?.code])).toEqual([
      ['item-3', 'unsupported_media'],
      ['item-13', 'unsupported_media'],
      ['last', 'invalid_request'],
    ]);
    const ids = [...output, ...errors].map(({ custom_id }) => custom_id);
    expect(ids.sort()).toEqual([...Array.from({ length: 23 }, (_, index) => `item-${index}`), 'last'].sort());

    const listed: string[] = [];
    for await (const { id } of openai.batches.list({ limit: 1 })) listed.push(id);
    expect(listed).toContain(created.id);
    expect((await openai.batches.cancel(created.id)).status).toBe('completed');

    const again = await system.client.retryBatch(created.id);
    expect(again).toMatchObject({ round: 2, request_counts: { completed: 21, failed: 1 } });
    await expect
      .poll(async () => (await system.client.getBatch(created.id)).status, { timeout: 60_000 })
      .toBe('completed');
    const results = parse(await new Response(await system.client.getBatchResults(created.id)).text());
    expect(results.filter(({ error }) => error === null).map(({ response }) => response)).toEqual(
      output.map(({ response }) => response),
    );
  });
});

describe('frameloom batch run', () => {
  it('leaves the batch running on Ctrl-C, and writes every line when it is run again', async () => {
    const file = join(folder, 'backfill.jsonl');
    const out = join(folder, 'results.jsonl');
    await writeFile(file, lines(16, 'Which colour is it?'));
    const settings = { FRAMELOOM_URL: system.url };
    const first = spawn(
      process.execPath,
      [...commandEntry(), 'batch', 'run', file, '--out', out, '--in-flight', '1'],
      { env: cleanEnv(settings), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let stderr = '';
    let interrupted = false;
    first.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (!interrupted && /in progress/.test(stderr)) {
        interrupted = true;
        first.kill('SIGINT');
      }
    });
    const [code] = await once(first, 'close');
    expect({ code, stderr }).toMatchObject({ code: 130 });
    expect(stderr).toContain('The batch continues on the server.');
    const id = /frameloom batch status (batch_\w+)/.exec(stderr)?.[1] ?? '';

    const second = await runFrameloom(['batch', 'run', file, '--out', out, '--in-flight', '8'], settings);
    expect(second).toMatchObject({ code: 3 });
    expect(second.stderr).toContain(`13 of 16 done, 3 failed`);
    expect(second.stderr).toContain(`frameloom batch retry ${id}`);
    const results = parse(await readFile(out, 'utf8'));
    expect(results.map(({ custom_id }) => custom_id)).toEqual([
      ...Array.from({ length: 15 }, (_, index) => `item-${index}`),
      'last',
    ]);
    const { data } = await system.client.listBatches();
    expect(data.filter((batch) => batch.request_counts.total === 16)).toHaveLength(1);
  });
});
