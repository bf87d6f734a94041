import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Model, openModel } from '../../phi3v/engine/model.ts';
import { encodePaddedImage, type GenerateRequest, hdTransform, type ImageFile } from '../../phi3v/index.ts';
import { COLOURS, DESCRIBE, drawCircle, endlessModel, specialIds, TINY, tinyFile } from './support.ts';

interface GenaiModel {
  readonly context_length: number;
  readonly eos_token_id: number | number[];
  readonly decoder: Record<'num_hidden_layers' | 'num_key_value_heads' | 'head_size' | 'hidden_size', number>;
}

let folder: string;
let model: Model;
let first: ImageFile;
let second: ImageFile;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-model-'));
  model = await openModel({ folder: TINY, threads: 1 });
  const red = hdTransform(drawCircle(COLOURS.red, COLOURS.blue, 0), 1);
  const yellow = hdTransform(drawCircle(COLOURS.yellow, COLOURS.green, 2), 1);
  first = { key: 'first', path: join(folder, 'first.bin') };
  second = { key: 'second', path: join(folder, 'second.bin') };
  await writeFile(first.path, encodePaddedImage(red));
  await writeFile(second.path, encodePaddedImage(yellow));
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const ONE = [{ text: '1:\n' }, { image: 0 }, { text: DESCRIBE }];
const TWO = [{ text: '1:\n' }, { image: 0 }, { text: '\n2:\n' }, { image: 1 }, { text: DESCRIBE }];
const one = (): GenerateRequest => ({ prompt: ONE, images: [first], maxTokens: 64 });
const two = (): GenerateRequest => ({ prompt: TWO, images: [first, second], maxTokens: 64 });

describe('the tiny model', () => {
  it('is described by its own files', () => {
    const { model: config } = tinyFile<{ model: GenaiModel }>('genai_config.json');
    const { num_hidden_layers, num_key_value_heads, head_size, hidden_size } = config.decoder;
    expect(model.info).toMatchObject({
      contextLength: config.context_length,
      hiddenSize: hidden_size,
      // Keys and values of float32
      kvBytesPerToken: 2 * num_hidden_layers * num_key_value_heads * head_size * 4,
      ropeSwitch: 4096,
      supportsResume: true,
    });
    expect(model.info.runtime).toMatch(/^onnxruntime \d+\.\d+\.\d+ cpu \(C API, in place\)$/);
  });

  it('stops at the ids of its configuration and at the special tokens that end a turn', () => {
    const { model: config } = tinyFile<{ model: GenaiModel }>('genai_config.json');
    const named = ['<|end|>', '<|endoftext|>', '<|assistant|>', '</s>'].map((token) =>
      specialIds().get(token),
    );
    expect(new Set(model.info.stopIds)).toEqual(new Set([config.eos_token_id, named].flat(2)));
  });

  it('describes a drawn image', async () => {
    expect(await model.generate(one())).toMatchObject({
      text: '1. A red circle on the left, on a blue background.',
      finishReason: 'stop',
      imageTokens: 313,
    });
  });

  it('describes each of two images', async () => {
    expect((await model.generate(two())).text).toBe(
      '1. A red circle on the left, on a blue background.\n2. A yellow circle on the right, on a green background.',
    );
  });

  it('gives its text piece by piece, tokens one after another', async () => {
    const pieces: string[] = [];
    const tokens: number[] = [];
    const answer = await model.generate(two(), {
      onText: (piece) => pieces.push(piece),
      onTokens: (fresh) => tokens.push(...fresh),
    });
    expect(pieces.join('')).toBe(answer.text);
    expect(pieces.length).toBeGreaterThan(10);
    expect(tokens).toEqual(answer.tokens);
  });

  it('ends before a stop string', async () => {
    expect(await model.generate({ ...one(), stop: [', on'] })).toMatchObject({
      text: '1. A red circle on the left',
      finishReason: 'stop',
    });
  });

  it.each<[string, GenerateRequest['sampling']]>([
    ['greedily', undefined],
    ['with a seed', { temperature: 1.5, topK: 20, topP: 0.95, repetitionPenalty: 1.1, seed: 11 }],
  ])('gives the same answer, %s, when it is resumed after any number of tokens', async (_, sampling) => {
    const request = { ...two(), sampling };
    const undisturbed = await model.generate(request);
    const length = undisturbed.tokens.length;
    expect(length).toBeGreaterThan(10);
    for (const cut of [1, 2, 9, length - 2, length - 1, length]) {
      const { tokens, text, finishReason } = await model.generate({
        ...request,
        resume: undisturbed.tokens.slice(0, cut),
      });
      expect({ tokens, text, finishReason }).toEqual({
        tokens: undisturbed.tokens,
        text: undisturbed.text,
        finishReason: undisturbed.finishReason,
      });
    }
  });

  it('completes a prompt of more than 4096 tokens, and resumes that generation', async () => {
    const lines = Array.from(
      { length: 290 },
      (_, i) => `${i + 1}. A red circle on the left, on a blue background.`,
    );
    const prompt = [{ text: `These are captions of consecutive images:\n${lines.join('\n')}\n` }];
    const request = { prompt, images: [], maxTokens: 12 };
    const whole = await model.generate(request);
    expect(whole.promptTokens).toBeGreaterThan(4096);
    expect(whole.tokens.length).toBeGreaterThan(0);
    const resumed = await model.generate({ ...request, resume: whole.tokens.slice(0, 2) });
    expect(resumed.tokens).toEqual(whole.tokens);
  }, 120_000);

  it('ends a repetitive generation, and returns its text with one repetition', async () => {
    const endless = await endlessModel();
    try {
      await using circling = await openModel({ folder: endless, threads: 1 });
      const answer = await circling.generate({
        prompt: [{ text: 'Hello' }],
        images: [],
        maxTokens: 3000,
        sampling: { temperature: 0.01, repetitionPenalty: 0.5 },
      });
      expect(answer.finishReason).toBe('repetition');
      expect(answer.tokens.length).toBeLessThan(3000);
      expect(answer.text.length).toBeLessThan(answer.tokens.length);
    } finally {
      await rm(endless, { recursive: true, force: true });
    }
  });

  it.each<[string, Partial<GenerateRequest>]>([
    ['a prompt without its image', { prompt: [{ text: 'Hello' }] }],
    ['an image without its picture', { images: [] }],
    ['a sampling that cannot be', { sampling: { topP: 2 } }],
  ])('refuses %s', async (_, change) => {
    await expect(model.generate({ ...one(), ...change })).rejects.toMatchObject({ code: 'prompt_invalid' });
  });

  it('rejects a truncated image', async () => {
    const path = join(folder, 'cut.bin');
    await writeFile(path, (await readFile(first.path)).subarray(0, 1000));
    const answer = model.generate({ ...one(), images: [{ key: 'cut', path }] });
    await expect(answer).rejects.toMatchObject({ code: 'image_invalid' });
  });

  it('rejects requests beyond its memory limit, with the numbers', async () => {
    await using small = await openModel({ folder: TINY, threads: 1, maxMemoryBytes: 12 * 2 ** 20 });
    const answer = small.generate({ ...one(), maxTokens: 4000 });
    await expect(answer).rejects.toMatchObject({
      code: 'memory_exceeded',
      message: expect.stringMatching(/\d+ tokens .* take \d+ MiB .* may use \d+ MiB/) as string,
    });
    expect((await small.generate(one())).finishReason).toBe('stop');
    await expect(openModel({ folder: TINY, maxMemoryBytes: 2 ** 20 })).rejects.toMatchObject({
      code: 'memory_exceeded',
    });
  });
});

describe('features', () => {
  it('are computed once per image, for any prompt', async () => {
    await using fresh = await openModel({ folder: TINY, threads: 1 });
    const counts = [];
    for (const request of [one(), two(), two()]) counts.push((await fresh.generate(request)).visionCalls);
    expect(counts).toEqual([1, 1, 0]);
  });

  it('can be stored in a file and loaded by another process', async () => {
    const keep = join(folder, 'kept.bin');
    const kept: number[] = [];
    await using writer = await openModel({ folder: TINY, threads: 1 });
    const made = await writer.generate(
      { ...one(), images: [{ ...first, saveFeaturesTo: keep }] },
      { onFeaturesSaved: (index) => kept.push(index) },
    );
    expect(kept).toEqual([0]);
    await using reader = await openModel({ folder: TINY, threads: 1 });
    const found = await reader.generate({ ...one(), images: [{ ...first, featuresPath: keep }] });
    expect([made.visionCalls, found.visionCalls]).toEqual([1, 0]);
    expect(found.tokens).toEqual(made.tokens);
  });

  it('from an incomplete file are computed again', async () => {
    const featuresPath = join(folder, 'torn.bin');
    await writeFile(featuresPath, 'torn');
    await using fresh = await openModel({ folder: TINY, threads: 1 });
    const answer = await fresh.generate({ ...one(), images: [{ ...first, featuresPath }] });
    expect([answer.visionCalls, answer.finishReason]).toEqual([1, 'stop']);
  });
});
