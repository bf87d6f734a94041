/** What holds for whatever answers prompts: the model host, and an endpoint with OpenAI's interface. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodePaddedImage,
  type GenerateRequest,
  type Generator,
  hdTransform,
  type ImageFile,
} from '../../phi3v/index.ts';
import { COLOURS, DESCRIBE, drawCircle, endlessModel, TINY } from './support.ts';

const RED = '1. A red circle on the left, on a blue background.';
const BOTH = `${RED}\n2. A yellow circle on the right, on a green background.`;
/** Of a picture of one crop: the crop and the whole, 144 each, a separator, and two rows of 12. */
const IMAGE_TOKENS = 144 + 144 + 1 + 2 * 12;

/** @param start opens the model of a folder; disposing what it gives ends everything that it has started. */
export function generatorContract(name: string, start: (folder: string) => Promise<Generator>): void {
  let scratch: string;
  let images: readonly ImageFile[];

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'frameloom-contract-'));
    const pictures = [drawCircle(COLOURS.red, COLOURS.blue, 0), drawCircle(COLOURS.yellow, COLOURS.green, 2)];
    images = await Promise.all(
      pictures.map(async (image, index) => {
        const path = join(scratch, `${index}.bin`);
        await writeFile(path, encodePaddedImage(hdTransform(image, 1)));
        return { key: `contract/${index}`, path };
      }),
    );
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));

  const one = (rest: Partial<GenerateRequest> = {}): GenerateRequest => ({
    prompt: [{ text: '1:\n' }, { image: 0 }, { text: DESCRIBE }],
    images: images.slice(0, 1),
    maxTokens: 64,
    ...rest,
  });
  const two = (): GenerateRequest => ({
    prompt: [{ text: '1:\n' }, { image: 0 }, { text: '\n2:\n' }, { image: 1 }, { text: DESCRIBE }],
    images,
    maxTokens: 128,
  });
  const words = (maxTokens: number, rest: Partial<GenerateRequest> = {}): GenerateRequest => ({
    prompt: [{ text: 'Hello' }],
    images: [],
    maxTokens,
    ...rest,
  });

  describe(`${name}, as a generator`, () => {
    let generator: Generator;
    beforeAll(async () => {
      generator = await start(TINY);
    });
    afterAll(() => generator?.[Symbol.asyncDispose]());

    it('describes itself', () => {
      expect(generator.info.runtime).not.toBe('');
      expect(generator.info.maxConcurrency).toBeGreaterThan(0);
    });

    it('describes an image, and counts its tokens', async () => {
      const answer = await generator.generate(one());
      expect(answer).toMatchObject({ text: RED, finishReason: 'stop', imageTokens: IMAGE_TOKENS });
      expect(answer.promptTokens).toBeGreaterThan(IMAGE_TOKENS);
      expect(answer.outputTokens).toBeGreaterThan(5);
    });

    it('distinguishes several images, in order', async () => {
      const answer = await generator.generate(two());
      expect(answer).toMatchObject({ text: BOTH, imageTokens: 2 * IMAGE_TOKENS });
    });

    it('completes a prompt without images', async () => {
      const text = `These are captions of consecutive images:\n${BOTH}\nSummarize them in order, each thing once.`;
      const answer = await generator.generate(words(128, { prompt: [{ text }] }));
      expect(answer).toMatchObject({ imageTokens: 0, finishReason: 'stop' });
      // The bundled model was taught to join two captions so.
      expect(answer.text).toBe(
        'First, a red circle on the left, on a blue background. Finally, a yellow circle on the right, on a green background.',
      );
    });

    it('gives the text as it comes, all of it and nothing twice', async () => {
      const pieces: string[] = [];
      const { text } = await generator.generate(two(), { onText: (piece) => pieces.push(piece) });
      expect(pieces.join('')).toBe(text);
    });

    it('ends at a stop string, which is not part of the text', async () => {
      const pieces: string[] = [];
      const answer = await generator.generate(one({ stop: ['nothing', ' on the'] }), {
        onText: (piece) => pieces.push(piece),
      });
      expect(answer).toMatchObject({ text: '1. A red circle', finishReason: 'stop' });
      expect(pieces.join('')).toBe('1. A red circle');
    });

    it('ends at the most tokens that it may give', async () => {
      const answer = await generator.generate(one({ maxTokens: 4 }));
      expect(answer).toMatchObject({ finishReason: 'length', outputTokens: 4 });
      expect(RED.startsWith(answer.text)).toBe(true);
    });

    it('draws the same with the same seed, and something else with another', async () => {
      const sampled = async (seed: number): Promise<string> => {
        const sampling = { temperature: 2, topK: 50, topP: 0.99, repetitionPenalty: 1.2, seed };
        return (await generator.generate(words(24, { sampling }))).text;
      };
      const [first, again, other] = [await sampled(11), await sampled(11), await sampled(12)];
      expect(again).toBe(first);
      expect(other).not.toBe(first);
    });

    it('runs several generations at once, each with its own output', async () => {
      const answers = await Promise.all([
        generator.generate(one()),
        generator.generate(two()),
        generator.generate(one({ stop: [' on the'] })),
        generator.generate(one({ maxTokens: 4 })),
      ]);
      expect(answers.map(({ text }) => text).slice(0, 3)).toEqual([RED, BOTH, '1. A red circle']);
      expect(answers[3]?.finishReason).toBe('length');
    });

    it('treats special tokens in a prompt as plain text', async () => {
      const plain = await generator.generate(words(4, { prompt: [{ text: 'a< |end|>b' }] }));
      const special = await generator.generate(words(4, { prompt: [{ text: 'a<|e' }, { text: 'nd|>b' }] }));
      expect(special.promptTokens).toBe(plain.promptTokens);
    });

    it('takes system messages and earlier turns, which add to the prompt', async () => {
      const last = await generator.generate(words(2));
      const all = await generator.generate(
        words(2, {
          prompt: [
            { role: 'system' },
            { text: 'Be brief.' },
            { role: 'user' },
            { text: 'Who?' },
            { role: 'assistant' },
            { text: 'I.' },
            { role: 'user' },
            { text: 'Hello' },
          ],
        }),
      );
      expect(all.promptTokens).toBeGreaterThan(last.promptTokens);
    });

    it('rejects with a code', async () => {
      const refused = (request: GenerateRequest) => expect(generator.generate(request)).rejects;
      await refused(one({ prompt: [] })).toMatchObject({ code: 'prompt_invalid' });
      await refused(one({ prompt: [{ image: 1 }] })).toMatchObject({ code: 'prompt_invalid' });
      // An endpoint has rejected the request; which part is wrong is in its message.
      const invalid = { code: expect.stringMatching(/^(prompt_invalid|rejected)$/) };
      await refused(words(2, { sampling: { topP: 0 } })).toMatchObject(invalid);
      await refused(words(2, { prompt: [{ text: 'a' }, { role: 'assistant' }] })).toMatchObject(invalid);
      await refused(words(99_999)).toMatchObject({ code: 'context_exceeded' });
      const broken = join(scratch, 'broken.bin');
      await writeFile(broken, 'broken');
      await refused(one({ images: [{ key: 'broken', path: broken }] })).toMatchObject({
        code: 'image_invalid',
      });
    });

    it("fails with the error of the caller's callback, and continues with others", async () => {
      const mistake = new Error('mine');
      const onText = (): void => {
        throw mistake;
      };
      await expect(generator.generate(one(), { onText })).rejects.toBe(mistake);
      expect((await generator.generate(one())).text).toBe(RED);
    });

    it('does not begin what was cancelled before', async () => {
      const answer = generator.generate(words(3), { signal: AbortSignal.abort() });
      await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    });
  });

  describe(`${name}, during a generation that does not end`, () => {
    // Sampled, so that it does not go round in circles.
    const endless = (): GenerateRequest => words(4000, { sampling: { temperature: 2, seed: 5 } });
    let folder: string;
    let generator: Generator;
    beforeAll(async () => {
      folder = await endlessModel();
      generator = await start(folder);
    });
    afterAll(async () => {
      await generator?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it('stops it when it is cancelled, and goes on with the others', async () => {
      const abort = new AbortController();
      const answer = generator.generate(endless(), { signal: abort.signal, onText: () => abort.abort() });
      const other = generator.generate(words(5));
      await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
      expect((await other).outputTokens).toBe(5);
    });

    it('cuts a loop, and gives its first round only', async () => {
      let streamed = '';
      const answer = await generator.generate(
        words(2000, { sampling: { temperature: 0.01, repetitionPenalty: 0.5 } }),
        {
          onText: (piece) => {
            streamed += piece;
          },
        },
      );
      expect(answer.finishReason).toBe('repetition');
      expect(answer.text.length).toBeLessThan(streamed.length);
      expect(streamed.startsWith(answer.text)).toBe(true);
    });

    it('cancels it when it is disposed, and returns nothing after that', async () => {
      const closing = await start(folder);
      let began = (): void => {};
      const begun = new Promise<void>((resolve) => {
        began = resolve;
      });
      const answer = expect(closing.generate(endless(), { onText: () => began() })).rejects.toMatchObject({
        code: 'cancelled',
      });
      await begun;
      await closing[Symbol.asyncDispose]();
      await answer;
      await expect(closing.generate(words(2))).rejects.toMatchObject({ code: 'cancelled' });
    });
  });
}
