import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hdTransform, type ImageFeatures } from '../../phi3v/index.ts';
import { type Model, openModel } from '../../phi3v/model.ts';
import { COLOURS, DESCRIBE, drawCircle, specialIds, TINY, tinyFile } from './support.ts';

interface GenaiModel {
  readonly context_length: number;
  readonly eos_token_id: number | number[];
  readonly decoder: Record<'num_hidden_layers' | 'num_key_value_heads' | 'head_size' | 'hidden_size', number>;
}

let model: Model;
let first: ImageFeatures;
let second: ImageFeatures;

beforeAll(async () => {
  model = await openModel({ folder: TINY, threads: 1 });
  first = await model.encodeImage(hdTransform(drawCircle(COLOURS.red, COLOURS.blue, 0), 1));
  second = await model.encodeImage(hdTransform(drawCircle(COLOURS.yellow, COLOURS.green, 2), 1));
});
afterAll(async () => {
  await model.close();
});

const ONE = [{ text: '1:\n' }, { image: 0 }, { text: DESCRIBE }];
const TWO = [{ text: '1:\n' }, { image: 0 }, { text: '\n2:\n' }, { image: 1 }, { text: DESCRIBE }];

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
    });
    expect(model.info.runtime).toMatch(/^onnxruntime-node \d+\.\d+\.\d+ cpu$/);
  });

  it('stops at the ids of its configuration and at the special tokens that end a turn', () => {
    const { model: config } = tinyFile<{ model: GenaiModel }>('genai_config.json');
    const named = ['<|end|>', '<|endoftext|>', '<|assistant|>', '</s>'].map((token) =>
      specialIds().get(token),
    );
    expect(new Set(model.info.stopIds)).toEqual(new Set([config.eos_token_id, named].flat(2)));
  });

  it('says what a drawn picture shows', async () => {
    expect(first).toMatchObject({ tokens: 313, hiddenSize: model.info.hiddenSize });
    const { text, finishReason, imageTokens } = await model.generate({
      prompt: ONE,
      features: [first],
      maxTokens: 64,
    });
    expect(text).toBe('1. A red circle on the left, on a blue background.');
    expect([finishReason, imageTokens]).toEqual(['stop', 313]);
  });

  it('says what each of two pictures shows', async () => {
    const { text } = await model.generate({ prompt: TWO, features: [first, second], maxTokens: 64 });
    expect(text).toBe(
      '1. A red circle on the left, on a blue background.\n2. A yellow circle on the right, on a green background.',
    );
  });

  it('gives the same answer when it is resumed after any number of tokens', async () => {
    const request = { prompt: TWO, features: [first, second], maxTokens: 64 };
    const undisturbed = await model.generate(request);
    const length = undisturbed.tokens.length;
    expect(length).toBeGreaterThan(20);
    for (const cut of [1, 2, 9, length - 2, length - 1, length]) {
      expect(await model.generate({ ...request, resume: undisturbed.tokens.slice(0, cut) })).toEqual(
        undisturbed,
      );
    }
  });

  it('answers a prompt of more than 4096 tokens, and resumes that answer', async () => {
    const lines = Array.from(
      { length: 290 },
      (_, i) => `${i + 1}. A red circle on the left, on a blue background.`,
    );
    const prompt = [{ text: `These are captions of consecutive images:\n${lines.join('\n')}\n` }];
    const request = { prompt, features: [], maxTokens: 12 };
    const whole = await model.generate(request);
    expect(whole.promptTokens).toBeGreaterThan(4096);
    expect(whole.tokens.length).toBeGreaterThan(0);
    expect(await model.generate({ ...request, resume: whole.tokens.slice(0, 2) })).toEqual(whole);
  }, 120_000);

  it('refuses features of another model before it runs anything', async () => {
    const other = { data: new Float32Array(313 * 7), tokens: 313, hiddenSize: 7 };
    const answer = model.generate({ prompt: ONE, features: [other], maxTokens: 4 });
    await expect(answer).rejects.toMatchObject({ code: 'prompt_invalid' });
  });
});
