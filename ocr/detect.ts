/** Finds lines of text on an image with the detection model. */
import { sharp } from '../core/sharp.ts';
import { type Graph, ModelError, type OrtRuntime } from '../onnx/index.ts';
import type { OcrImage, TextBox } from './image.ts';
import { findTextRegions } from './text-regions.ts';

/** Long side in pixels up to which images are searched at their own size, and short side from which. */
const MAX_SIDE = 2048;
const MIN_SIDE = 480;
/** Small images are enlarged at most this much. */
const MAX_ENLARGEMENT = 2;
/** Sides of the input are multiples of the total stride of the model. */
const STRIDE = 32;
/** Mean and deviation of each channel of the input, in the order blue, green, red. Source: PaddleOCR. */
const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

/**
 * Returns the boxes of lines of text in pixels of `image`.
 *
 * @throws ModelError `runtime` if ONNX Runtime fails.
 */
export async function detectLines(
  { graph, runtime }: { readonly graph: Graph; readonly runtime: OrtRuntime },
  image: OcrImage,
): Promise<readonly TextBox[]> {
  const scale = scaleFor(image);
  const scaled = scale === 1 ? image : await resize(image, scale);
  const width = Math.ceil(scaled.width / STRIDE) * STRIDE;
  const height = Math.ceil(scaled.height / STRIDE) * STRIDE;
  const [inputName] = graph.inputs.keys();
  const [outputName] = graph.outputs.keys();
  if (inputName === undefined || outputName === undefined) {
    throw new ModelError('model_invalid', 'The text detection model has no input or no output.');
  }
  const input = runtime.createTensor(toPlanes(scaled, width, height), [1, 3, height, width]);
  const map = new Float32Array(width * height);
  const output = runtime.createTensor(map, [1, 1, height, width]);
  try {
    await graph.run([[inputName, input]], [[outputName, output]]);
  } finally {
    input.release();
    output.release();
  }
  return findTextRegions({ data: map, width, height }).map((box) => ({
    center: { x: box.center.x / scale, y: box.center.y / scale },
    width: box.width / scale,
    height: box.height / scale,
    angle: box.angle,
  }));
}

function scaleFor({ width, height }: OcrImage): number {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  if (long > MAX_SIDE) return MAX_SIDE / long;
  return short >= MIN_SIDE ? 1 : Math.min(MAX_ENLARGEMENT, MIN_SIDE / short, MAX_SIDE / long);
}

async function resize({ data, width, height }: OcrImage, scale: number): Promise<OcrImage> {
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  const resized = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ ...size, fit: 'fill' })
    .raw()
    .toBuffer();
  return { data: resized, ...size };
}

/** Normalized planes in the order blue, green, red. The padding on the right and below is zero. */
function toPlanes({ data, ...size }: OcrImage, width: number, height: number): Float32Array {
  const planes = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * (DEVIATION[channel] ?? 1));
    const shift = (MEAN[channel] ?? 0) / (DEVIATION[channel] ?? 1);
    const plane = channel * width * height;
    for (let y = 0; y < size.height; y++) {
      let from = y * size.width * 3 + 2 - channel;
      let to = plane + y * width;
      for (let x = 0; x < size.width; x++, from += 3) planes[to++] = (data[from] ?? 0) * scale - shift;
    }
  }
  return planes;
}
