import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  countImageTokens,
  hdTransform,
  type PaddedImage,
  type PromptPart,
  toPixelValues,
} from '../../phi3v/index.ts';
import { encodePrompt } from '../../phi3v/text/prompt.ts';
import { loadTokenizer } from '../../phi3v/text/tokenizer.ts';
import { type PythonSetup, pythonWith } from '../../scripts/lib/python-env.ts';
import { COLOURS, DESCRIBE, drawCircle, endlessModel, openRaw } from './support.ts';

/** Tokens of each answer. The model is one without stop tokens, so that every answer has all of them. */
const MAX_TOKENS = 64;

interface Prompt {
  readonly name: string;
  readonly parts: readonly PromptPart[];
  readonly images: readonly PaddedImage[];
}

const { red, green, blue, yellow } = COLOURS;

function picture(colour: string, background: string, third: 0 | 1 | 2, numCrops = 1): PaddedImage {
  return hdTransform(drawCircle(colour, background, third), numCrops);
}

/** The caption prompt for these pictures, as the product asks it. */
function describe(name: string, ...images: readonly PaddedImage[]): Prompt {
  const lines = images.flatMap((_, image) => [
    { text: `${image === 0 ? '' : '\n'}${image + 1}:\n` },
    { image },
  ]);
  return { name, parts: [...lines, { text: DESCRIBE }], images };
}

const PROMPTS: readonly Prompt[] = [
  describe('red on blue, left', picture(red, blue, 0)),
  describe('red on green, middle', picture(red, green, 1)),
  describe('red on yellow, right', picture(red, yellow, 2)),
  describe('green on red, left', picture(green, red, 0)),
  describe('green on blue, middle', picture(green, blue, 1)),
  describe('green on yellow, right', picture(green, yellow, 2)),
  describe('blue on red, middle', picture(blue, red, 1)),
  describe('blue on yellow, left', picture(blue, yellow, 0)),
  describe('yellow on blue, right', picture(yellow, blue, 2)),
  describe('two crops', picture(yellow, red, 1, 2)),
  describe('four crops', picture(blue, green, 2, 4)),
  describe('two pictures', picture(red, blue, 0), picture(yellow, green, 2)),
  describe('two pictures of four crops', picture(green, red, 1, 4), picture(blue, yellow, 0, 4)),
  describe('three pictures', picture(blue, red, 0), picture(blue, red, 1), picture(blue, red, 2)),
  describe('the same picture twice', picture(yellow, blue, 1), picture(yellow, blue, 1)),
  describe(
    'four pictures',
    picture(red, green, 2),
    picture(green, blue, 1),
    picture(blue, yellow, 0),
    picture(yellow, red, 1),
  ),
  { name: 'a word', parts: [{ text: 'circle' }], images: [] },
  { name: 'a sentence', parts: [{ text: 'A red circle on the left, on a blue background.' }], images: [] },
  {
    name: 'captions',
    parts: [
      {
        text: 'These are captions of consecutive images:\n1. A red circle on the left, on a blue background.\n2. A green circle in the middle, on a red background.\n',
      },
    ],
    images: [],
  },
  { name: 'other scripts', parts: [{ text: 'Ein Kreis — 圆, cercle' }], images: [] },
];

let folder: string;
let setup: PythonSetup;

beforeAll(async () => {
  folder = await endlessModel();
  setup = await pythonWith('genai');
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it('20 prompts give the same 64 greedy tokens in onnxruntime-genai', async ({ skip }) => {
  if (setup.python === undefined) return skip(setup.reason);
  expect(PROMPTS).toHaveLength(20);
  const request = join(folder, 'request.json');
  await writeFile(request, JSON.stringify({ max_new: MAX_TOKENS, prompts: await genaiPrompts() }));
  // What the program prints, by its own description.
  const { answers } = JSON.parse(await setup.python.run('test/phi3v/genai.py', [folder, request])) as {
    answers: number[][];
  };

  const named = (tokens: readonly (readonly number[])[]) =>
    Object.fromEntries(PROMPTS.map(({ name }, i) => [name, tokens[i]]));
  const own = await ownAnswers();
  expect(own.map((tokens) => tokens.length)).toEqual(PROMPTS.map(() => MAX_TOKENS));
  expect(named(own)).toEqual(named(answers));
  // Not twenty times the same answer: the pictures count.
  expect(new Set(answers.map(String)).size).toBeGreaterThan(15);
}, 300_000);

async function ownAnswers(): Promise<readonly (readonly number[])[]> {
  const tokenizer = await loadTokenizer(folder);
  await using model = await openRaw(folder);
  const answers: (readonly number[])[] = [];
  for (const { parts, images } of PROMPTS) {
    const lengths = images.map(({ height, width }) => countImageTokens(height, width));
    const { ids } = encodePrompt(parts, lengths, tokenizer);
    answers.push(await model.generate({ ids, images, maxTokens: MAX_TOKENS }));
  }
  return answers;
}

/** The prompts as genai.py takes them, with the very ids and pixel values that our own run has. */
async function genaiPrompts(): Promise<unknown[]> {
  const tokenizer = await loadTokenizer(folder);
  const prompts: unknown[] = [];
  for (const [number, { parts, images }] of PROMPTS.entries()) {
    const lengths = images.map(({ height, width }) => countImageTokens(height, width));
    const described: unknown[] = [];
    for (const [i, image] of images.entries()) {
      const values = toPixelValues(image);
      const file = join(folder, `pixels-${number}-${i}.f32`);
      await writeFile(file, values);
      const crops = values.length / (3 * 336 * 336);
      described.push({
        pixel_values: file,
        crops,
        size: [image.height, image.width],
        tokens: lengths[i],
      });
    }
    prompts.push({ ids: encodePrompt(parts, lengths, tokenizer).ids, images: described });
  }
  return prompts;
}
