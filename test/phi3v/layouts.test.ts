/**
 * Small models of random weights in every layout and type (test/phi3v/graphs), on both runtimes: answers are those of a
 * fresh prefill per token, which Python computed with no cache at all, on either side of the switch of the rope tables and
 * across it.
 */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../phi3v/engine/model.ts';
import { hdTransform } from '../../phi3v/index.ts';
import { golden, promptIds, type SmallModel, smallModel } from './graphs.ts';
import { COLOURS, drawCircle, openRaw, type RawModel } from './support.ts';

describe.each<SmallModel>(['cpu', 'gpu', 'transformers', 'transformers-f16'])('the layout %s', (name) => {
  let folder: string;
  beforeAll(async () => {
    folder = await smallModel(name);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe.each([
    ['the C API', false],
    ['onnxruntime-node', true],
  ])('on %s', (_, portable) => {
    let model: RawModel;
    beforeAll(async () => {
      model = await openRaw(folder, { portable });
    });
    afterAll(async () => {
      await model[Symbol.asyncDispose]();
    });

    // The longest one through the portable runtime would take a minute, and shows nothing new there.
    const cases = golden(name).filter(({ length }) => !portable || length < 5000);

    it('has the output of a fresh prefill per token, in sequence', async () => {
      expect(cases.length).toBeGreaterThanOrEqual(4);
      for (const { seed, length, tokens } of cases) {
        const answer = await model.generate({ ids: promptIds(seed, length), maxTokens: tokens.length });
        expect({ length, answer }).toEqual({ length, answer: tokens });
      }
    }, 300_000);

    it('has them when all decode together, and when each is resumed half way', async () => {
      const answers = await Promise.all(
        cases.map(({ seed, length, tokens }, i) =>
          model.generate({
            ids: promptIds(seed, length),
            maxTokens: tokens.length,
            resume: i % 2 === 0 ? [] : tokens.slice(0, tokens.length / 2),
          }),
        ),
      );
      expect(answers).toEqual(cases.map(({ tokens }) => tokens));
    }, 300_000);
  });

  it('is described by its own files, and accepts images', async () => {
    await using model = await openModel({ folder, threads: 1 });
    const bytes = name === 'gpu' || name === 'transformers-f16' ? 2 : 4;
    expect(model.info).toMatchObject({
      contextLength: 32_768,
      hiddenSize: 32,
      kvBytesPerToken: 2 * 2 * 2 * 16 * bytes,
    });
    const features = await model.encodeImage(hdTransform(drawCircle(COLOURS.red, COLOURS.blue, 1), 4));
    expect([features.tokens, features.data.BYTES_PER_ELEMENT]).toEqual([757, bytes]);
  });
});

it('the outputs cover prompts below, at and above the switch, and one of 20,000 tokens', () => {
  const lengths = golden('cpu').map(({ length }) => length);
  expect(lengths).toEqual(expect.arrayContaining([4090, 4095, 4096, 4097, 4100, 20_000]));
});
