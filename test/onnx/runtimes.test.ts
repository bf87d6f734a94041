/** Contract of both runtimes (onnx/runtime.ts). */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCRuntime } from '../../onnx/c-runtime.ts';
import { createTensorData, type Graph, type OrtRuntime, openRuntime } from '../../onnx/index.ts';
import { openNodeRuntime } from '../../onnx/node-runtime.ts';
import { TINY, tinyFile } from '../phi3v/support.ts';

const OPTIONS = { provider: 'cpu', threads: 1 } as const;

interface Decoder {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_key_value_heads: number;
  readonly head_size: number;
}
const { model } = tinyFile<{ model: { vocab_size: number; decoder: Decoder } }>('genai_config.json');
const { hidden_size, num_hidden_layers, num_key_value_heads, head_size } = model.decoder;
const embedding = join(TINY, 'phi-3.5-v-instruct-embedding.onnx');
const text = join(TINY, 'phi-3.5-v-instruct-text.onnx');

/** Embeddings of `ids`, float32 `[ids, hidden]`. */
async function embed(runtime: OrtRuntime, graph: Graph, ids: readonly number[]): Promise<Float32Array> {
  const embeds = new Float32Array(ids.length * hidden_size);
  await graph.run(
    [
      ['input_ids', runtime.createTensor(BigInt64Array.from(ids, BigInt), [1, ids.length])],
      ['image_features', runtime.createTensor(new Float32Array(0), [0, hidden_size])],
    ],
    [['inputs_embeds', runtime.createTensor(embeds, [1, ids.length, hidden_size])]],
  );
  return embeds;
}

describe.each([
  ['the C API', () => openCRuntime(OPTIONS)],
  ['onnxruntime-node', async () => openNodeRuntime(OPTIONS)],
])('%s', (_, open) => {
  let runtime: OrtRuntime;
  let embedder: Graph;
  let decoder: Graph;
  let broken: string;
  beforeAll(async () => {
    runtime = await open();
    embedder = await runtime.loadGraph(embedding);
    decoder = await runtime.loadGraph(text);
    broken = await mkdtemp(join(tmpdir(), 'frameloom-ort-'));
  });
  afterAll(async () => {
    await embedder.close();
    await decoder.close();
    await rm(broken, { recursive: true, force: true });
  });

  it('reports inputs and outputs of a graph with types and shapes', () => {
    expect(runtime.description).toMatch(/^onnxruntime(-node)? \d+\.\d+\.\d+ cpu/);
    expect(embedder.inputs.get('input_ids')).toEqual({ type: 'int64', dims: [-1, -1] });
    expect(decoder.inputs.get('past_key_values.0.key')?.type).toBe('float32');
    expect(decoder.inputs.get('past_key_values.0.key')?.dims.length).toBe(4);
    expect(decoder.inputs.size).toBe(2 + 2 * num_hidden_layers);
    expect(decoder.outputs.get('logits')).toEqual({ type: 'float32', dims: [-1, -1, model.vocab_size] });
  });

  it('writes an output to the tensor that is bound to it', async () => {
    const [one = 0, other = 0] = [5, 9];
    const both = await embed(runtime, embedder, [one, other]);
    expect(both.some((value) => value !== 0)).toBe(true);
    expect(both.slice(0, hidden_size)).toEqual(await embed(runtime, embedder, [one]));
    expect(both.slice(hidden_size)).toEqual(await embed(runtime, embedder, [other]));
  });

  /** Logits after the last of `given`, run in calls of these lengths over rows `row` of caches of `capacity`. */
  async function predict(
    given: readonly number[],
    lengths: readonly number[],
    capacity: number,
    row = 0,
  ): Promise<Float32Array> {
    const cache = Array.from({ length: num_hidden_layers }, (_layer, i) =>
      ['key', 'value'].map((kind) => ({
        past: `past_key_values.${i}.${kind}`,
        present: `present.${i}.${kind}`,
        tensor: decoder.allocate('float32', [row + 1, num_key_value_heads, capacity, head_size]),
      })),
    ).flat();
    let start = 0;
    let logits = new Float32Array(0);
    for (const length of lengths) {
      const embeds = await embed(runtime, embedder, given.slice(start, start + length));
      start += length;
      logits = new Float32Array(length * model.vocab_size);
      const views = cache.map((each) => ({ ...each, view: each.tensor.sliceRows(row, 1) }));
      await decoder.run(
        [
          ['inputs_embeds', runtime.createTensor(embeds, [1, length, hidden_size])],
          ['attention_mask', runtime.createTensor(new BigInt64Array(start).fill(1n), [1, start])],
          ...views.map(({ past, view }) => [past, view] as const),
        ],
        [
          ['logits', runtime.createTensor(logits, [1, length, model.vocab_size])],
          ...views.map(({ present, view }) => [present, view] as const),
        ],
      );
    }
    for (const { tensor } of cache) tensor.release();
    return logits.slice(-model.vocab_size);
  }

  const IDS = Array.from({ length: 24 }, (_id, i) => 3 + ((i * 7919) % 250));

  it('updates a cache that is bound as past and present in place, for any capacity and row', async () => {
    const whole = await predict(IDS, [24], 24);
    expect(await predict(IDS, [16, 8], 24)).toEqual(whole);
    expect(await predict(IDS, [16, 8], 200)).toEqual(whole);
    expect(await predict(IDS, [16, 8], 40, 2)).toEqual(whole);
  });

  it('discards an output without a tensor', async () => {
    const embeds = await embed(runtime, embedder, IDS);
    const cache = Array.from({ length: num_hidden_layers }, (_layer, i) =>
      ['key', 'value'].map((kind) => `${i}.${kind}`),
    ).flat();
    const tensors = cache.map(() => decoder.allocate('float32', [1, num_key_value_heads, 24, head_size]));
    await decoder.run(
      [
        ['inputs_embeds', runtime.createTensor(embeds, [1, 24, hidden_size])],
        ['attention_mask', runtime.createTensor(new BigInt64Array(24).fill(1n), [1, 24])],
        ...tensors.map((tensor, i) => [`past_key_values.${cache[i]}`, tensor] as const),
      ],
      tensors.map((tensor, i) => [`present.${cache[i]}`, tensor] as const),
    );
    for (const tensor of tensors) tensor.release();
  });

  it('reports the message of ONNX Runtime as the cause of a failed run', async () => {
    const failing = embedder.run(
      [
        ['input_ids', runtime.createTensor(BigInt64Array.of(-1n), [1, 1])],
        ['image_features', runtime.createTensor(new Float32Array(0), [0, hidden_size + 1])],
      ],
      [['inputs_embeds', runtime.createTensor(new Float32Array(hidden_size), [1, 1, hidden_size])]],
    );
    await expect(failing).rejects.toMatchObject({
      code: 'runtime',
      cause: { message: expect.stringMatching(/dimension|shape|indices|index/i) as string },
    });
    // The session is none the worse for it.
    expect((await embed(runtime, embedder, [5])).length).toBe(hidden_size);
  });

  it('rejects a file that is missing or not a graph', async () => {
    const path = join(broken, 'broken.onnx');
    await writeFile(path, 'this is no graph');
    for (const file of [path, join(broken, 'missing.onnx')]) {
      await expect(runtime.loadGraph(file)).rejects.toMatchObject({
        code: 'model_invalid',
        message: 'A graph of the model folder could not be loaded.',
      });
    }
  });
});

describe('runtime selection', () => {
  it('selects the C API if it can be loaded', async () => {
    const { runtime, fallback } = await openRuntime(OPTIONS);
    expect([runtime.updatesInPlace, fallback]).toEqual([true, undefined]);
  });

  it('selects onnxruntime-node if koffi cannot be loaded, and reports the reason', async () => {
    vi.resetModules();
    vi.doMock('koffi', () => {
      throw new Error('no koffi for this platform');
    });
    try {
      const { openRuntime: openWithoutKoffi } = await import('../../onnx/open-runtime.ts');
      const { runtime, fallback } = await openWithoutKoffi(OPTIONS);
      expect(runtime.description).toMatch(/^onnxruntime-node .*\(portable/);
      expect([runtime.updatesInPlace, fallback]).toEqual([
        false,
        expect.stringMatching(/^the C API is not available: /) as string,
      ]);
    } finally {
      vi.doUnmock('koffi');
      vi.resetModules();
    }
  });

  it('reports that a configured library cannot be loaded', async () => {
    const answer = openRuntime({ ...OPTIONS, library: '/nowhere/libonnxruntime.so' });
    await expect(answer).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('FRAMELOOM_ORT_LIBRARY') as string,
    });
  });

  it.each(['cuda', 'tensorrt'] as const)('says what to do where %s is not to be had', async (provider) => {
    // The library that npm brings lists it; its provider library or the driver is what is missing.
    await expect(openRuntime({ ...OPTIONS, provider })).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('FRAMELOOM_ORT_LIBRARY') as string,
    });
  });
});

it('allocates memory of every type', () => {
  expect(createTensorData('float16', 2)).toEqual(new Uint16Array(2));
});
