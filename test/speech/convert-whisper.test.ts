/** Graphs of a small Whisper with random weights, compared with the same model computed by plain loops. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertWhisper } from '../../speech/index.ts';
import { decode, encode, type SmallWhisper, smallWhisper, toCTranslate2 } from './small-whisper.ts';

const TOKENS = [3, 1, 7, 2];

let folder: string;
let whisper: SmallWhisper;
let encoder: InferenceSession;
let decoder: InferenceSession;
let features: Float32Array;
let hidden: Tensor;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-whisper-'));
  whisper = smallWhisper(7);
  await writeFile(join(folder, 'model.bin'), toCTranslate2(whisper));
  expect(await convertWhisper(folder)).toEqual(['encoder_model.onnx', 'decoder_model_merged.onnx']);
  encoder = await InferenceSession.create(join(folder, 'encoder_model.onnx'));
  decoder = await InferenceSession.create(join(folder, 'decoder_model_merged.onnx'));
  features = Float32Array.from({ length: 80 * 3000 }, (_, index) => Math.sin(index * 0.37) / 2);
  const outputs = await encoder.run({ input_features: new Tensor('float32', features, [1, 80, 3000]) });
  hidden = outputs.last_hidden_state as Tensor; // the one output
});
afterAll(async () => {
  await encoder.release();
  await decoder.release();
  await rm(folder, { recursive: true, force: true });
});

describe('convertWhisper', () => {
  it('writes an encoder that computes what the weights define', () => {
    const expected = encode(whisper, features);
    expect(hidden.dims).toEqual([1, 1500, whisper.width]);
    expect(largestDifference(hidden.data as Float32Array, expected)).toBeLessThan(1e-4);
  });

  it('writes a decoder that computes what the weights define, in one run and token by token', async () => {
    const expected = decode(whisper, hidden.data as Float32Array, TOKENS);
    const atOnce = await run(TOKENS, emptyCache(), true);
    expect(largestDifference(atOnce.logits.data as Float32Array, expected.flat())).toBeLessThan(1e-4);

    let cache = emptyCache();
    for (const [position, token] of TOKENS.entries()) {
      const outputs = await run([token], cache, position === 0);
      cache = cacheOf(outputs);
      expect(largestDifference(outputs.logits.data as Float32Array, expected[position] ?? [])).toBeLessThan(
        1e-4,
      );
    }
  });

  it('rejects a file that is not a CTranslate2 model', async () => {
    await writeFile(join(folder, 'model.bin'), Buffer.alloc(100, 7));
    await expect(convertWhisper(folder)).rejects.toMatchObject({ code: 'model_invalid' });
    const whole = toCTranslate2(whisper);
    await writeFile(join(folder, 'model.bin'), whole.subarray(0, whole.length / 2));
    await expect(convertWhisper(folder)).rejects.toMatchObject({ code: 'model_invalid' });
  });
});

type Outputs = Record<string, Tensor> & { readonly logits: Tensor };

function run(tokens: readonly number[], cache: Record<string, Tensor>, isFirst: boolean): Promise<Outputs> {
  return decoder.run({
    input_ids: new Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
    encoder_hidden_states: hidden,
    use_cache_branch: new Tensor('bool', [!isFirst], [1]),
    ...cache,
  }) as unknown as Promise<Outputs>;
}

function cacheNames(): string[] {
  return decoder.inputNames.filter((name) => name.startsWith('past_key_values.'));
}

function emptyCache(): Record<string, Tensor> {
  const { heads, width } = whisper;
  const empty = () => new Tensor('float32', new Float32Array(0), [1, heads, 0, width / heads]);
  return Object.fromEntries(cacheNames().map((name) => [name, empty()]));
}

function cacheOf(outputs: Outputs): Record<string, Tensor> {
  return Object.fromEntries(
    cacheNames().map((name) => [name, outputs[name.replace('past_key_values', 'present')] as Tensor]),
  );
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let index = 0; index < actual.length; index++) {
    largest = Math.max(largest, Math.abs((actual[index] ?? Number.NaN) - (expected[index] ?? Number.NaN)));
  }
  return largest;
}
