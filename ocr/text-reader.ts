/** Reads the text of images: detection, recognition, reading order. */
import { join } from 'node:path';
import { type OrtRuntime, openRuntime } from '../onnx/index.ts';
import { readCharacters } from './characters.ts';
import { detectLines } from './detect.ts';
import type { OcrImage, TextBox } from './image.ts';
import { inReadingOrder } from './reading-order.ts';
import { recognizeLines } from './recognize.ts';

/** A recognized line of text. */
export interface RecognizedLine {
  readonly text: string;
  /** Mean probability of the characters, 0.5 to 1. */
  readonly confidence: number;
  /** The upright rectangle around the line as left, top, width and height, in fractions of the image. */
  readonly box: readonly [left: number, top: number, width: number, height: number];
  /** Height of the text in fractions of the height of the image. That of `box` is larger for rotated lines. */
  readonly height: number;
}

/** A loaded text recognition model. Disposing releases it. */
export interface TextReader extends AsyncDisposable {
  /**
   * Returns the lines of `image` in reading order.
   *
   * @throws ModelError `runtime` if ONNX Runtime fails; the reason of the signal.
   */
  readText(image: OcrImage, signal?: AbortSignal): Promise<readonly RecognizedLine[]>;
}

/** Lines with a lower mean probability are noise more often than text. */
const MIN_CONFIDENCE = 0.5;

/**
 * Loads the model in `folder`: `det.onnx`, `rec.onnx` and `characters.txt`, as `models pull` installs it.
 * `threads` is the number of CPU threads, one per core by default.
 *
 * @throws ModelError `model_invalid` if a file is missing or does not fit the others.
 */
export async function openTextReader(
  folder: string,
  { threads }: { readonly threads?: number } = {},
): Promise<TextReader> {
  const { runtime } = await openRuntime({ provider: 'cpu', threads });
  const detection = { runtime, graph: await runtime.loadGraph(join(folder, 'det.onnx')) };
  const recognition = await openRecognition(runtime, folder);
  return {
    async readText(image, signal) {
      const boxes = await detectLines(detection, image);
      signal?.throwIfAborted();
      const spellings = await recognizeLines(recognition, image, boxes, signal);
      const lines = boxes.map((box, index) => {
        const { text = '', confidence = 0 } = spellings[index] ?? {};
        return { text, confidence, ...uprightBox(box, image), height: box.height / image.height };
      });
      const read = lines.filter(({ text, confidence }) => text !== '' && confidence >= MIN_CONFIDENCE);
      return inReadingOrder(read).map(({ text, confidence, left, top, right, bottom, height }) => ({
        text,
        confidence,
        box: [
          left / image.width,
          top / image.height,
          (right - left) / image.width,
          (bottom - top) / image.height,
        ],
        height,
      }));
    },
    async [Symbol.asyncDispose]() {
      await detection.graph.close();
      await recognition.graph.close();
    },
  };
}

async function openRecognition(runtime: OrtRuntime, folder: string) {
  const graph = await runtime.loadGraph(join(folder, 'rec.onnx'));
  const [output] = graph.outputs.values();
  const characters = await readCharacters(folder, output?.dims.at(-1) ?? 0);
  return { runtime, graph, characters };
}

/** The upright rectangle around a box, in pixels, within the image. */
function uprightBox({ center, width, height, angle }: TextBox, image: OcrImage) {
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  const halfWidth = (width * cos + height * sin) / 2;
  const halfHeight = (width * sin + height * cos) / 2;
  return {
    left: Math.max(0, center.x - halfWidth),
    top: Math.max(0, center.y - halfHeight),
    right: Math.min(image.width, center.x + halfWidth),
    bottom: Math.min(image.height, center.y + halfHeight),
  };
}
