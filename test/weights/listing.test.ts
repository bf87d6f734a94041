import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectModelFolder, startModelHost } from '../../phi3v/index.ts';
import {
  createHubClient,
  DEFAULT_DTYPES,
  type GraphDtypes,
  type HubClient,
  listWeights,
  MODEL_CATALOGUE,
  pullWeights,
  readManifest,
  verifyWeights,
  type WeightSet,
} from '../../weights/index.ts';
import { TINY, tinyFile } from '../phi3v/support.ts';
import { type FakeHub, respondWith, startFakeHub } from '../support/fake-hub.ts';
import {
  API_PATH,
  COMMIT_SHA,
  FILES,
  json,
  listingEntry,
  publishRepository,
  TREE_PATH,
} from '../support/fake-model-repository.ts';
import { watched } from './support.ts';

const found = MODEL_CATALOGUE[0]?.variants.find(({ name }) => name === 'transformers.js');
if (found?.kind !== 'listed') throw new Error('the catalogue has no listed variant');
const variant = found;

let folder: string;
let server: FakeHub;
let hub: HubClient;
const signal = new AbortController().signal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-listing-'));
  server = await startFakeHub();
  hub = createHubClient({ endpoint: server.origin, token: 'hf_secret' });
  publishRepository(server);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const list = (dtypes: GraphDtypes = DEFAULT_DTYPES): Promise<WeightSet> =>
  listWeights(variant, hub, { dtypes, signal, retryPolicy: watched(hub).retryPolicy ?? fail() });
function fail(): never {
  throw new Error('watched options have a retryPolicy');
}

describe('listWeights', () => {
  it('lists configuration, graphs of the dtype and their external weights at the full revision', async () => {
    const set = await list();
    expect(set).toMatchObject({
      repository: variant.repository,
      revision: COMMIT_SHA,
      markerFile: 'config.json',
    });
    expect(set.files.map(({ path }) => path)).toEqual([
      'config.json',
      'generation_config.json',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'onnx/vision_encoder_q4.onnx',
      'onnx/prepare_inputs_embeds_q4.onnx',
      'onnx/model_q4.onnx',
      'onnx/model_q4.onnx_data',
      'onnx/model_q4.onnx_data_1',
    ]);
  });

  it('lists another dtype if it is selected', async () => {
    const set = await list({ ...DEFAULT_DTYPES, model: 'q4f16' });
    expect(set.files.map(({ path }) => path).filter((path) => path.includes('/model'))).toEqual([
      'onnx/model_q4f16.onnx',
    ]);
  });

  it('reports the available graphs if a dtype is missing', async () => {
    const error = await list({ ...DEFAULT_DTYPES, model: 'bnb4' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'listing' });
    expect(String(error)).toContain('no onnx/model_bnb4.onnx');
    expect(String(error)).toContain('onnx/model_q4f16.onnx');
  });

  it('follows the pages of a listing on the same host only', async () => {
    const [first = '', ...rest] = Object.keys(FILES);
    server.injectFaults(TREE_PATH, ({ response }) =>
      response
        .writeHead(200, { link: `<${server.origin}/page2>; rel="next"` })
        .end(json([listingEntry(first)])),
    );
    server.injectFaults('page2', ({ response }) =>
      response
        .writeHead(200, { link: '<http://elsewhere.invalid/page3>; rel="next"' })
        .end(json(rest.map((path) => listingEntry(path)))),
    );
    expect((await list()).files.length).toBe(10);
  });

  it.each([
    ['a response that is not JSON', Buffer.from('<html>')],
    ['a response of another shape', json({ error: 'no' })],
    ['an object id that is not a hash', json([{ type: 'file', path: 'config.json', size: 1, oid: 'x' }])],
  ])('rejects %s', async (_what, body) => {
    server.content.set(TREE_PATH, body);
    await expect(list()).rejects.toMatchObject({ code: 'listing' });
  });

  it('rejects another revision than the pinned one', async () => {
    server.content.set(`${API_PATH}/revision/${variant.revision}`, json({ sha: 'f'.repeat(40) }));
    await expect(list()).rejects.toMatchObject({ code: 'listing' });
  });

  it('retries when the server is busy', async () => {
    server.injectFaults(TREE_PATH, respondWith(503));
    expect((await list()).files.length).toBe(10);
  });
});

it('pulls a folder in the Transformers.js layout that the runtime loads', async () => {
  const genai = tinyFile<{
    model: { decoder: Record<string, number>; eos_token_id: unknown; context_length: number };
  }>('genai_config.json').model;
  const { decoder } = genai;
  const graph = (name: string): Promise<Buffer> => readFile(join(TINY, `phi-3.5-v-instruct-${name}.onnx`));
  publishRepository(server, {
    'config.json': json({
      model_type: 'phi3_v',
      hidden_size: decoder.hidden_size,
      num_hidden_layers: decoder.num_hidden_layers,
      num_attention_heads: decoder.num_attention_heads,
      num_key_value_heads: decoder.num_key_value_heads,
      head_dim: decoder.head_size,
      max_position_embeddings: genai.context_length,
    }),
    'generation_config.json': json({ eos_token_id: genai.eos_token_id }),
    'preprocessor_config.json': json({ num_crops: 1 }),
    'tokenizer.json': await readFile(join(TINY, 'tokenizer.json')),
    'tokenizer_config.json': await readFile(join(TINY, 'tokenizer_config.json')),
    'onnx/vision_encoder_q4.onnx': await graph('vision'),
    'onnx/prepare_inputs_embeds_q4.onnx': await graph('embedding'),
    'onnx/model_q4.onnx': await graph('text'),
  });
  await pullWeights(await list(), folder, watched(hub, { saveManifest: true }));
  expect(await inspectModelFolder(folder)).toMatchObject({ complete: true, missing: [] });
  await using host = await startModelHost({ folder });
  expect(host.info.contextLength).toBe(genai.context_length);
});

describe('verifyWeights', () => {
  const states = async (): Promise<Record<string, string>> => {
    const manifest = await readManifest(folder);
    if (manifest === undefined) throw new Error('no manifest');
    const report = await verifyWeights(folder, manifest, signal);
    return Object.fromEntries(report.map(({ path, state }) => [path, state]));
  };
  beforeEach(async () => {
    await pullWeights(await list(), folder, watched(hub, { saveManifest: true }));
  });

  it('verifies all files of a pulled folder without a server', async () => {
    await server[Symbol.asyncDispose]();
    const all = await states();
    expect(Object.keys(all).length).toBe(10);
    expect(new Set(Object.values(all))).toEqual(new Set(['ok']));
  });

  it('reports missing, truncated and changed files', async () => {
    await rm(join(folder, 'tokenizer.json'));
    await truncate(join(folder, 'onnx/model_q4.onnx_data'), 100);
    const changed = await readFile(join(folder, 'preprocessor_config.json'), 'utf8');
    await writeFile(join(folder, 'preprocessor_config.json'), changed.replace('}', ']'));
    expect(await states()).toMatchObject({
      'tokenizer.json': 'missing',
      'onnx/model_q4.onnx_data': 'damaged',
      'preprocessor_config.json': 'damaged',
      'onnx/model_q4.onnx': 'ok',
    });
  });

  it('rejects a manifest with a path outside of the folder', async () => {
    const path = join(folder, 'weights.json');
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace('"path": "tokenizer.json"', '"path": "../x"'),
    );
    expect(await readManifest(folder)).toBeUndefined();
  });

  it('reports its progress', async () => {
    const manifest = await readManifest(folder);
    const bytes: number[] = [];
    await verifyWeights(folder, manifest ?? fail(), signal, (event) => bytes.push(event.bytes));
    const total = Object.entries(FILES)
      .filter(([path]) => !['README.md', 'onnx/model_q4f16.onnx'].includes(path))
      .reduce((sum, [, body]) => sum + body.length, 0);
    expect(bytes.at(-1)).toBe(total);
  });

  it('stops when its signal aborts', async () => {
    const manifest = await readManifest(folder);
    await expect(verifyWeights(folder, manifest ?? fail(), AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
