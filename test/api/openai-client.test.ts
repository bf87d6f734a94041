/** The `openai` package, as it is published, against the API. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { BadRequestError, NotFoundError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from '../../api/entries/node.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createFakeOrchestrator } from './fake-orchestrator.ts';

const LINE = JSON.stringify({
  custom_id: 'a',
  method: 'POST',
  url: '/v1/summaries',
  body: { source: { type: 'images', urls: ['https://example.com/a.png'] }, prompt: null },
});

let folder: string;
let api: RunningApi;
let openai: OpenAI;
let now = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-openai-'));
  api = await startApi({
    host: '127.0.0.1',
    port: 0,
    orchestrator: createFakeOrchestrator(() => now),
    store: createFolderStore(join(folder, 'store')),
    keys: [],
    model: 'tiny-phi3v',
    maxUploadBytes: 1_000_000,
    version: '0.0.0-test',
    log: () => undefined,
  });
  openai = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

async function upload(text: string, purpose: OpenAI.FilePurpose = 'batch'): Promise<OpenAI.FileObject> {
  return await openai.files.create({ file: await toFile(Buffer.from(text), 'lines.jsonl'), purpose });
}

/** `endpoint` is a closed list in the types of the package. */
const SUMMARIES = '/v1/summaries' as '/v1/chat/completions';

describe('the openai package', () => {
  it('uploads, retrieves, reads and deletes a file', async () => {
    const file = await upload(LINE);
    expect(file).toMatchObject({ object: 'file', bytes: LINE.length, purpose: 'batch', status: 'processed' });
    expect(Math.abs(file.created_at - Date.now() / 1000)).toBeLessThan(60);
    expect(await openai.files.retrieve(file.id)).toEqual(file);
    expect(await (await openai.files.content(file.id)).text()).toBe(LINE);
    expect(await openai.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    await expect(openai.files.retrieve(file.id)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('lists files page by page, newest first, while it deletes them', async () => {
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three', 'four', 'five']) {
      const { id } = await upload(text, text === 'two' ? 'user_data' : 'batch');
      ids.unshift(id);
      // Files of the same millisecond have no order.
      const created = Date.now();
      await expect.poll(() => Date.now()).toBeGreaterThan(created);
    }
    const listed: string[] = [];
    for await (const { id } of openai.files.list({ limit: 2 })) listed.push(id);
    expect(listed).toEqual(ids);
    const oldestFirst = await openai.files.list({ order: 'asc', purpose: 'batch', limit: 3 });
    expect(oldestFirst.data.map(({ id }) => id)).toEqual([ids[4], ids[2], ids[1]]);
    expect(oldestFirst.hasNextPage()).toBe(true);
    const deleted: string[] = [];
    for await (const { id } of openai.files.list({ limit: 2 })) {
      deleted.push(id);
      await openai.files.delete(id);
    }
    expect(deleted).toEqual(ids);
    expect((await openai.files.list()).data).toEqual([]);
  });

  it('sets when a file expires', async () => {
    const file = await openai.files.create({
      file: await toFile(Buffer.from('x'), 'x.txt'),
      purpose: 'user_data',
      expires_after: { anchor: 'created_at', seconds: 7200 },
    });
    expect(file.expires_at).toBe(file.created_at + 7200);
  });

  it('creates, lists, retrieves and cancels a batch', async () => {
    const { id: input_file_id } = await upload(LINE);
    const batch = await openai.batches.create({
      input_file_id,
      endpoint: SUMMARIES,
      completion_window: '24h',
      metadata: null,
      output_expires_after: { anchor: 'created_at', seconds: 3600 },
    });
    expect(batch).toMatchObject({ object: 'batch', status: 'validating', input_file_id });
    expect(batch.request_counts).toEqual({ total: 1, completed: 0, failed: 0 });
    expect(await openai.batches.retrieve(batch.id)).toEqual(batch);
    const listed: string[] = [];
    for await (const { id } of openai.batches.list({ limit: 1 })) listed.push(id);
    expect(listed).toContain(batch.id);
    now += 10_000; // nothing answers the cancellation
    expect((await openai.batches.cancel(batch.id)).status).toBe('cancelling');
  });

  it('lists and finds the model', async () => {
    const models: string[] = [];
    for await (const { id } of openai.models.list()) models.push(id);
    expect(models).toEqual(['tiny-phi3v']);
    expect((await openai.models.retrieve('tiny-phi3v')).object).toBe('model');
    await expect(openai.models.retrieve('gpt-4o')).rejects.toBeInstanceOf(NotFoundError);
  });

  it('prints what is wrong with a request', async () => {
    const wrong = openai.batches.create({
      input_file_id: `file_${'a'.repeat(26)}`,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    await expect(wrong).rejects.toBeInstanceOf(BadRequestError);
    await expect(wrong).rejects.toMatchObject({
      message: expect.stringContaining('400 endpoint: '),
      param: 'endpoint',
      code: 'invalid_request',
      type: 'invalid_request_error',
    });
  });
});
