import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCanvas } from '@napi-rs/canvas';
import { openNodeRuntime } from '../../onnx/node-runtime.ts';
import { type Graphs, openGraphs } from '../../phi3v/engine/graphs.ts';
import { createScheduler } from '../../phi3v/engine/scheduler.ts';
import { readModelFolder } from '../../phi3v/folder/read-folder.ts';
import type { PaddedImage, RgbImage } from '../../phi3v/index.ts';

export const TINY = fileURLToPath(new URL('../../models/tiny-phi3v', import.meta.url));

/** One of the tiny model's files, as data. */
export function tinyFile<T>(name: string): T {
  return JSON.parse(readFileSync(`${TINY}/${name}`, 'utf8')) as T; // as the caller says it is
}

/** Ids of the tiny model's special tokens by their text. */
export function specialIds(): ReadonlyMap<string, number> {
  const { added_tokens } = tinyFile<{ added_tokens: { content: string; id: number }[] }>('tokenizer.json');
  return new Map(added_tokens.map(({ content, id }) => [content, id]));
}

/**
 * A copy of the tiny model that never stops before the length limit, because none of its tokens is known to end an answer.
 * The caller removes it.
 */
export async function endlessModel(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-endless-'));
  await cp(TINY, folder, { recursive: true });
  const edit = async (name: string, change: (text: string) => string): Promise<void> => {
    const path = join(folder, name);
    await writeFile(path, change(await readFile(path, 'utf8')));
  };
  await edit('genai_config.json', (text) =>
    text.replace(/"eos_token_id": (\[[^\]]*\]|\d+)/, '"eos_token_id": []'),
  );
  for (const token of ['<|end|>', '<|endoftext|>', '<|assistant|>', '</s>']) {
    await edit('tokenizer.json', (text) => text.replaceAll(`"${token}"`, `"(${token.slice(1, -1)})"`));
  }
  return folder;
}

/** The caption prompt of the tiny model, one label line per image. */
export const DESCRIBE = '\nDescribe each image in one line, starting with its number.';

/** The colours of the tiny model's drawn world. */
export const COLOURS = {
  red: 'rgb(215,30,35)',
  green: 'rgb(30,150,60)',
  blue: 'rgb(35,80,215)',
  yellow: 'rgb(245,225,40)',
};

/** A disc in the left, middle or right third of a 640×360 picture. */
export function drawCircle(colour: string, background: string, third: 0 | 1 | 2): RgbImage {
  const [width, height] = [640, 360];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = background;
  context.fillRect(0, 0, width, height);
  context.fillStyle = colour;
  context.beginPath();
  context.arc((width * (third + 0.5)) / 3, height / 2, 64, 0, 2 * Math.PI);
  context.fill();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    data.set(rgba.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
  }
  return { data, width, height };
}

/** The runtime below prompts and texts: ids in, tokens out. No stop strings, no search for loops. */
export interface RawModel extends AsyncDisposable {
  readonly graphs: Graphs;
  generate(request: RawRequest): Promise<readonly number[]>;
}

export interface RawRequest {
  readonly ids: readonly number[];
  readonly images?: readonly PaddedImage[];
  readonly maxTokens: number;
  readonly resume?: readonly number[];
}

/** @param portable on onnxruntime-node instead of the C API. */
export async function openRaw(
  folder: string,
  {
    maxConcurrency = 4,
    chunk = 256,
    portable = false,
  }: { maxConcurrency?: number; chunk?: number; portable?: boolean } = {},
): Promise<RawModel> {
  const config = await readModelFolder(folder);
  const runtime = portable ? { runtime: openNodeRuntime({ provider: 'cpu', threads: 1 }) } : {};
  const graphs = await openGraphs(folder, config, {
    provider: 'cpu',
    threads: 2,
    maxConcurrency,
    ...runtime,
  });
  const { contextLength, ropeSwitch } = config;
  // Whatever the graph gives counts as a token.
  const vocabulary = Number.POSITIVE_INFINITY;
  const limits = {
    contextLength,
    ropeSwitch,
    stopIds: [],
    vocabulary,
    maxConcurrency,
    prefillChunkTokens: chunk,
  };
  const scheduler = createScheduler(graphs.decoder, limits);
  return {
    graphs,
    generate: async ({ ids, images = [], maxTokens, resume = [] }) => {
      const makers = images.map((image) => () => graphs.encodeImage(image));
      const request = { promptIds: ids, images: makers, maxTokens, resume, sampling: {} };
      return (await scheduler.generate(request)).tokens;
    },
    [Symbol.asyncDispose]: async () => {
      await scheduler.close();
      await graphs.close();
    },
  };
}
