/**
 * A Whisper of one layer, eight dimensions and eleven tokens with random weights, its file in CTranslate2's
 * format, and its computation by plain loops. Written from `whisper/model.py` of OpenAI, not from our graphs.
 */
import { toFloats } from '../../onnx/index.ts';
import { seededRandom } from '../world/random.ts';

interface Weight {
  readonly dims: readonly number[];
  /** Row-major, rounded to float16. */
  readonly values: Float32Array;
}

export interface SmallWhisper {
  readonly width: number;
  readonly heads: number;
  readonly weights: ReadonlyMap<string, Weight>;
}

const WIDTH = 8;
const HEADS = 2;
const MELS = 80;
const FRAMES = 3000;
const POSITIONS = 1500;
const VOCABULARY = 11;
const TEXT_POSITIONS = 16;

export function smallWhisper(seed: number): SmallWhisper {
  const random = seededRandom(seed);
  const weights = new Map<string, Weight>();
  const add = (name: string, ...dims: number[]): void => {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const exact = Float32Array.from({ length: count }, () => (random() - 0.5) * 0.8);
    weights.set(name, { dims, values: toFloats(toFloats(exact, 'float16'), 'float32') as Float32Array });
  };
  const addLinear = (name: string, out: number, inner: number): void => {
    add(`${name}/weight`, out, inner);
    add(`${name}/bias`, out);
  };
  const addNorm = (name: string): void => {
    add(`${name}/gamma`, WIDTH);
    add(`${name}/beta`, WIDTH);
  };
  add('encoder/conv1/weight', WIDTH, MELS, 3);
  add('encoder/conv1/bias', WIDTH);
  add('encoder/conv2/weight', WIDTH, WIDTH, 3);
  add('encoder/conv2/bias', WIDTH);
  add('encoder/position_encodings/encodings', POSITIONS, WIDTH);
  add('decoder/embeddings/weight', VOCABULARY, WIDTH);
  add('decoder/position_encodings/encodings', TEXT_POSITIONS, WIDTH);
  for (const side of ['encoder', 'decoder']) {
    const layer = `${side}/layer_0`;
    addNorm(`${layer}/self_attention/layer_norm`);
    addLinear(`${layer}/self_attention/linear_0`, 3 * WIDTH, WIDTH);
    addLinear(`${layer}/self_attention/linear_1`, WIDTH, WIDTH);
    addNorm(`${layer}/ffn/layer_norm`);
    addLinear(`${layer}/ffn/linear_0`, 4 * WIDTH, WIDTH);
    addLinear(`${layer}/ffn/linear_1`, WIDTH, 4 * WIDTH);
    addNorm(`${side}/layer_norm`);
  }
  const cross = 'decoder/layer_0/attention';
  addNorm(`${cross}/layer_norm`);
  addLinear(`${cross}/linear_0`, WIDTH, WIDTH);
  addLinear(`${cross}/linear_1`, 2 * WIDTH, WIDTH);
  addLinear(`${cross}/linear_2`, WIDTH, WIDTH);
  return { width: WIDTH, heads: HEADS, weights };
}

/** The file `model.bin`: binary version 6, then variables, then aliases. */
export function toCTranslate2({ weights, heads }: SmallWhisper): Buffer {
  const parts: Buffer[] = [];
  const integer = (value: number, bytes: number): void => {
    const part = Buffer.alloc(bytes);
    part.writeUIntLE(value, 0, bytes);
    parts.push(part);
  };
  const text = (value: string): void => {
    integer(value.length + 1, 2);
    parts.push(Buffer.from(`${value}\0`));
  };
  const variable = (name: string, dims: readonly number[], type: number, bytes: Buffer): void => {
    text(name);
    integer(dims.length, 1);
    for (const dim of dims) integer(dim, 4);
    integer(type, 1);
    integer(bytes.length, 4);
    parts.push(bytes);
  };
  integer(6, 4);
  text('WhisperSpec');
  integer(3, 4);
  integer(weights.size + 2, 4);
  for (const side of ['encoder', 'decoder']) {
    variable(`${side}/num_heads`, [], 2, Buffer.from(Int16Array.of(heads).buffer));
  }
  for (const [name, { dims, values }] of weights) {
    const halves = toFloats(values, 'float16');
    variable(name, dims, 4, Buffer.from(halves.buffer, halves.byteOffset, halves.byteLength));
  }
  integer(1, 4);
  text('decoder/projection/weight');
  text('decoder/embeddings/weight');
  return Buffer.concat(parts);
}

type Rows = number[][];

/** Encodes `features`, 80 × 3000, to 1500 rows. */
export function encode(whisper: SmallWhisper, features: Float32Array): number[] {
  const mels = Array.from({ length: FRAMES }, (_, frame) =>
    Array.from({ length: MELS }, (__, mel) => features[mel * FRAMES + frame] ?? 0),
  );
  const first = convolve(whisper, mels, 'encoder/conv1', 1);
  const positions = rowsOf(whisper, 'encoder/position_encodings/encodings');
  let rows = addRows(convolve(whisper, first, 'encoder/conv2', 2), positions);
  const self = 'encoder/layer_0/self_attention';
  const stacked = linear(whisper, norm(whisper, rows, `${self}/layer_norm`), `${self}/linear_0`);
  const [query, key, value] = [0, 1, 2].map((part) => columns(stacked, part)) as [Rows, Rows, Rows];
  rows = addRows(rows, linear(whisper, attend(query, key, value, false), `${self}/linear_1`));
  rows = feedForward(whisper, rows, 'encoder/layer_0/ffn');
  return norm(whisper, rows, 'encoder/layer_norm').flat();
}

/** Logits of each position. */
export function decode(whisper: SmallWhisper, hidden: Float32Array, tokens: readonly number[]): Rows {
  const memory = Array.from({ length: POSITIONS }, (_, at) => [
    ...hidden.subarray(at * WIDTH, (at + 1) * WIDTH),
  ]);
  const embeddings = rowsOf(whisper, 'decoder/embeddings/weight');
  const positions = rowsOf(whisper, 'decoder/position_encodings/encodings');
  let rows: Rows = tokens.map((token, at) =>
    (embeddings[token] ?? []).map((element, index) => element + (positions[at]?.[index] ?? 0)),
  );
  const self = 'decoder/layer_0/self_attention';
  const stacked = linear(whisper, norm(whisper, rows, `${self}/layer_norm`), `${self}/linear_0`);
  const [query, key, value] = [0, 1, 2].map((part) => columns(stacked, part)) as [Rows, Rows, Rows];
  rows = addRows(rows, linear(whisper, attend(query, key, value, true), `${self}/linear_1`));
  const cross = 'decoder/layer_0/attention';
  const asked = linear(whisper, norm(whisper, rows, `${cross}/layer_norm`), `${cross}/linear_0`);
  const seen = linear(whisper, memory, `${cross}/linear_1`);
  const attended = attend(asked, columns(seen, 0), columns(seen, 1), false);
  rows = addRows(rows, linear(whisper, attended, `${cross}/linear_2`));
  rows = norm(whisper, feedForward(whisper, rows, 'decoder/layer_0/ffn'), 'decoder/layer_norm');
  return rows.map((row) => embeddings.map((embedding) => dot(row, embedding)));
}

function rowsOf({ weights }: SmallWhisper, name: string): Rows {
  const { dims = [], values = new Float32Array() } = weights.get(name) ?? {};
  const [count = 0] = dims;
  const length = values.length / count;
  return Array.from({ length: count }, (_, row) => [...values.subarray(row * length, (row + 1) * length)]);
}

function vector(whisper: SmallWhisper, name: string): number[] {
  return rowsOf(whisper, name).flat();
}

function convolve(whisper: SmallWhisper, rows: Rows, name: string, stride: number): Rows {
  const kernels = rowsOf(whisper, `${name}/weight`); // per output channel: inputs × 3
  const bias = vector(whisper, `${name}/bias`);
  return Array.from({ length: rows.length / stride }, (_, at) =>
    kernels.map((kernel, channel) => {
      let sum = bias[channel] ?? 0;
      for (let tap = 0; tap < 3; tap++) {
        const row = rows[at * stride + tap - 1] ?? [];
        for (let input = 0; input < row.length; input++) {
          sum += (row[input] ?? 0) * (kernel[input * 3 + tap] ?? 0);
        }
      }
      return gelu(sum);
    }),
  );
}

function linear(whisper: SmallWhisper, rows: Rows, name: string): Rows {
  const matrix = rowsOf(whisper, `${name}/weight`);
  const bias = vector(whisper, `${name}/bias`);
  return rows.map((row) => matrix.map((weights, index) => dot(row, weights) + (bias[index] ?? 0)));
}

function norm(whisper: SmallWhisper, rows: Rows, name: string): Rows {
  const gamma = vector(whisper, `${name}/gamma`);
  const beta = vector(whisper, `${name}/beta`);
  return rows.map((row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    return row.map((value, index) => (value - mean) * scale * (gamma[index] ?? 0) + (beta[index] ?? 0));
  });
}

function feedForward(whisper: SmallWhisper, rows: Rows, name: string): Rows {
  const hidden = linear(whisper, norm(whisper, rows, `${name}/layer_norm`), `${name}/linear_0`);
  return addRows(
    rows,
    linear(
      whisper,
      hidden.map((row) => row.map(gelu)),
      `${name}/linear_1`,
    ),
  );
}

function attend(queries: Rows, keys: Rows, values: Rows, causal: boolean): Rows {
  const size = WIDTH / HEADS;
  return queries.map((query, at) =>
    Array.from({ length: HEADS }, (_, head) => {
      const part = (row: readonly number[]) => row.slice(head * size, (head + 1) * size);
      const visible = causal ? at + 1 : keys.length;
      const own = part(query);
      const scores = keys.slice(0, visible).map((key) => dot(own, part(key)) / Math.sqrt(size));
      const highest = scores.reduce((max, score) => Math.max(max, score), Number.NEGATIVE_INFINITY);
      const shares = scores.map((score) => Math.exp(score - highest));
      const sum = shares.reduce((total, share) => total + share, 0);
      const result = new Array<number>(size).fill(0);
      shares.forEach((share, index) => {
        part(values[index] ?? []).forEach((value, dim) => {
          result[dim] = (result[dim] ?? 0) + (share / sum) * value;
        });
      });
      return result;
    }).flat(),
  );
}

/** The `part`-th `WIDTH` columns. */
function columns(rows: Rows, part: number): Rows {
  return rows.map((row) => row.slice(part * WIDTH, (part + 1) * WIDTH));
}

function addRows(a: Rows, b: Rows): Rows {
  return a.map((row, at) => row.map((value, index) => value + (b[at]?.[index] ?? 0)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

function gelu(x: number): number {
  return (x / 2) * (1 + erf(x / Math.SQRT2));
}

/** Abramowitz and Stegun 7.1.26: error below 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const polynomial =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
}
