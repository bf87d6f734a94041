import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { pythonWith } from '../../scripts/lib/python-env.ts';
import { golden, promptIds, SMALL, type SmallModel } from './graphs.ts';

const MICROSOFT = {
  vision: 'phi-3.5-v-instruct-vision.onnx',
  embedding: 'phi-3.5-v-instruct-embedding.onnx',
  text: 'phi-3.5-v-instruct-text.onnx',
};

/** The three graphs' files, the type of all floating-point tensors, and whether positions are an input. */
const FOLDERS: Record<
  SmallModel,
  { readonly files: typeof MICROSOFT; readonly kind: 'float32' | 'float16'; readonly positions: boolean }
> = {
  cpu: { files: MICROSOFT, kind: 'float32', positions: false },
  gpu: { files: MICROSOFT, kind: 'float16', positions: true },
  transformers: { files: transformersFiles(''), kind: 'float32', positions: false },
  'transformers-f16': { files: transformersFiles('_q4f16'), kind: 'float16', positions: false },
};
const NAMES = Object.keys(FOLDERS) as SmallModel[]; // the keys that the type above demands

function transformersFiles(suffix: string): typeof MICROSOFT {
  return {
    vision: `onnx/vision_encoder${suffix}.onnx`,
    embedding: `onnx/prepare_inputs_embeds${suffix}.onnx`,
    text: `onnx/model${suffix}.onnx`,
  };
}

const opened: InferenceSession[] = [];
afterAll(async () => {
  for (const session of opened) await session.release();
});

async function open(name: SmallModel, part: keyof typeof MICROSOFT): Promise<InferenceSession> {
  const session = await InferenceSession.create(join(SMALL, name, FOLDERS[name].files[part]), {
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  opened.push(session);
  return session;
}

function floats(kind: 'float32' | 'float16', dims: readonly number[]): Tensor {
  const length = dims.reduce((product, side) => product * side, 1);
  return kind === 'float32'
    ? new Tensor(kind, new Float32Array(length), dims)
    : new Tensor(kind, new Uint16Array(length), dims);
}

function int64(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

/** Greedy decoding with a cache that grows, written here anew: no rule about 4096, no chunks. */
async function greedy(name: SmallModel, prompt: readonly number[], count: number): Promise<number[]> {
  const { kind, positions } = FOLDERS[name];
  const [embedding, text] = [await open(name, 'embedding'), await open(name, 'text')];
  const cache: Record<string, Tensor> = {};
  for (const input of text.inputNames.filter((each) => each.startsWith('past_key_values'))) {
    cache[input] = floats(kind, [1, 2, 0, 16]);
  }
  const tokens: number[] = [];
  let ids = [...prompt];
  for (let past = 0; ; past += ids.length, ids = tokens.slice(-1)) {
    const row = [1, ids.length];
    const total = past + ids.length;
    const embedded = await embedding.run({
      input_ids: int64(ids, row),
      image_features: floats(kind, [0, 32]),
    });
    const outputs = await text.run({
      ...cache,
      ...embedded,
      attention_mask: int64(new Array<number>(total).fill(1), [1, total]),
      ...(positions
        ? {
            position_ids: int64(
              ids.map((_, i) => past + i),
              row,
            ),
          }
        : {}),
    });
    for (const input of Object.keys(cache)) {
      const present = outputs[input.replace('past_key_values', 'present')];
      if (present !== undefined) cache[input] = present;
    }
    tokens.push(likeliest(outputs.logits, ids.length));
    if (tokens.length === count) return tokens;
  }
}

function likeliest(logits: Tensor | undefined, rows: number): number {
  const last = [...numbers(logits)].slice(-((logits?.size ?? 0) / rows));
  return last.indexOf(Math.max(...last));
}

/** The values of a tensor; halves are Float16Array or their bits, depending on the version of Node. */
function numbers(tensor: Tensor | undefined): Iterable<number> {
  if (tensor === undefined) throw new Error('an output is missing');
  // Node hands out Uint16Array where it has no Float16Array, else numbers already.
  const data = tensor.data as Float32Array | Uint16Array;
  return tensor.type === 'float16' && data instanceof Uint16Array ? Array.from(data, half) : data;
}

function half(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

describe.each(NAMES)('the small model %s', (name) => {
  const { kind } = FOLDERS[name];

  it('has the inputs and outputs of the published graphs in its type', async () => {
    const signature = (metadata: readonly InferenceSession.ValueMetadata[]) =>
      Object.fromEntries(metadata.map((each) => [each.name, each.isTensor ? each.type : 'no tensor']));
    const vision = await open(name, 'vision');
    expect(signature(vision.inputMetadata)).toEqual({ pixel_values: kind, image_sizes: 'int64' });
    expect(signature(vision.outputMetadata)).toEqual({ image_features: kind });
    const embedding = await open(name, 'embedding');
    expect(signature(embedding.inputMetadata)).toEqual({ input_ids: 'int64', image_features: kind });
    expect(signature(embedding.outputMetadata)).toEqual({ inputs_embeds: kind });
    const text = await open(name, 'text');
    expect(signature(text.inputMetadata)).toEqual({
      inputs_embeds: kind,
      attention_mask: 'int64',
      ...(FOLDERS[name].positions ? { position_ids: 'int64' } : {}),
      'past_key_values.0.key': kind,
      'past_key_values.0.value': kind,
      'past_key_values.1.key': kind,
      'past_key_values.1.value': kind,
    });
  });

  it('makes of two pictures as many features as the token rule says', async () => {
    const vision = await open(name, 'vision');
    const { image_features: features } = await vision.run({
      pixel_values: floats(kind, [2, 5, 3, 336, 336]),
      image_sizes: int64([336, 1344, 672, 672], [2, 2]),
    });
    // (crops + 1) * 144 + 1 + (rows of crops + 1) * 12, per picture
    expect(features?.dims).toEqual([5 * 144 + 1 + 2 * 12 + (5 * 144 + 1 + 3 * 12), 32]);
  });

  it('gives the answers of a fresh prefill per token on either side of 4096', async () => {
    const cases = golden(name).filter(({ length }) => length <= 300 || length === 4097);
    expect(cases.length).toBeGreaterThanOrEqual(3);
    for (const { seed, length, tokens } of cases) {
      expect(await greedy(name, promptIds(seed, length), tokens.length)).toEqual(tokens);
    }
  });

  it('gives another answer when a cache crosses 4096', async () => {
    const crossing = golden(name).find(({ length }) => length > 4089 && length < 4097);
    if (crossing === undefined) throw new Error('no such prompt');
    const answer = await greedy(name, promptIds(crossing.seed, crossing.length), crossing.tokens.length);
    const inside = 4096 - crossing.length + 1;
    expect(answer.slice(0, inside)).toEqual(crossing.tokens.slice(0, inside));
    expect(answer.slice(inside)).not.toEqual(crossing.tokens.slice(inside));
  });
});

it('the committed files are those that the script writes', async ({ skip }) => {
  const { python, reason } = await pythonWith('graphs');
  if (python === undefined) return skip(reason);
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-graphs-'));
  try {
    await python.run('scripts/graphs/small.py', [folder]);
    const { 'golden.json': _, ...committed } = await hashes(SMALL);
    expect(committed).toEqual(await hashes(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);

async function hashes(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const sum = createHash('sha256').update(await readFile(path));
    found[path.slice(folder.length + 1)] = sum.digest('hex');
  }
  return found;
}
