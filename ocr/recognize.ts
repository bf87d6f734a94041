/** Reads the text of lines with the recognition model. */
import { type Graph, ModelError, type OrtRuntime } from '../onnx/index.ts';
import { type Spelling, spell } from './characters.ts';
import { cropLine } from './crop.ts';
import type { OcrImage, TextBox } from './image.ts';

/** Height of the model's input. */
const LINE_HEIGHT = 48;
/** Widths are between these, padded to the widest of a batch. */
const MIN_WIDTH = 320;
const MAX_WIDTH = 3200;
/** The model returns one step for each 8 columns of its input. */
const COLUMNS_PER_STEP = 8;
const BATCH = 6;

interface Recognition {
  readonly graph: Graph;
  readonly runtime: OrtRuntime;
  readonly characters: readonly string[];
}

/**
 * Returns the text of each box of `image`, in the order of `boxes`.
 *
 * @throws ModelError `runtime` if ONNX Runtime fails; the reason of the signal.
 */
export async function recognizeLines(
  recognition: Recognition,
  image: OcrImage,
  boxes: readonly TextBox[],
  signal?: AbortSignal,
): Promise<readonly Spelling[]> {
  const lines = boxes.map((box, index) => ({ box, index, width: lineWidth(box) }));
  lines.sort((a, b) => a.width - b.width); // lines of one batch are padded to the same width
  const spellings: Spelling[] = [];
  for (let first = 0; first < lines.length; first += BATCH) {
    signal?.throwIfAborted();
    const batch = lines.slice(first, first + BATCH);
    const found = await recognizeBatch(recognition, image, batch);
    batch.forEach(({ index }, row) => {
      spellings[index] = found[row] ?? { text: '', confidence: 0 };
    });
  }
  return spellings;
}

function lineWidth({ width, height }: TextBox): number {
  const scaled = Math.ceil((LINE_HEIGHT * width) / Math.max(1, height));
  return Math.min(MAX_WIDTH, Math.max(16, scaled));
}

async function recognizeBatch(
  { graph, runtime, characters }: Recognition,
  image: OcrImage,
  batch: readonly { readonly box: TextBox; readonly width: number }[],
): Promise<readonly Spelling[]> {
  const widest = Math.max(MIN_WIDTH, ...batch.map((line) => line.width));
  const width = Math.ceil(widest / COLUMNS_PER_STEP) * COLUMNS_PER_STEP;
  const steps = width / COLUMNS_PER_STEP;
  const pixels = new Float32Array(batch.length * 3 * LINE_HEIGHT * width);
  batch.forEach((line, row) => {
    const start = row * 3 * LINE_HEIGHT * width;
    writePlanes(
      pixels.subarray(start),
      cropLine(image, line.box, line.width, LINE_HEIGHT),
      line.width,
      width,
    );
  });
  const [inputName] = graph.inputs.keys();
  const [outputName] = graph.outputs.keys();
  if (inputName === undefined || outputName === undefined) {
    throw new ModelError('model_invalid', 'The text recognition model has no input or no output.');
  }
  const probabilities = new Float32Array(batch.length * steps * characters.length);
  const input = runtime.createTensor(pixels, [batch.length, 3, LINE_HEIGHT, width]);
  const output = runtime.createTensor(probabilities, [batch.length, steps, characters.length]);
  try {
    await graph.run([[inputName, input]], [[outputName, output]]);
  } finally {
    input.release();
    output.release();
  }
  const length = steps * characters.length;
  return batch.map((_, row) =>
    spell(probabilities.subarray(row * length, (row + 1) * length), steps, characters),
  );
}

/** Blue, green and red planes from -1 to 1. The padding on the right is zero. */
function writePlanes(planes: Float32Array, line: Uint8Array, filled: number, width: number): void {
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < LINE_HEIGHT; y++) {
      let from = y * filled * 3 + 2 - channel;
      let to = (channel * LINE_HEIGHT + y) * width;
      for (let x = 0; x < filled; x++, from += 3) planes[to++] = (line[from] ?? 0) / 127.5 - 1;
    }
  }
}
