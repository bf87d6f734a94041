/** Bytes per element of the types that the graphs of this model exchange. */
export const ELEMENT_BYTES = { float32: 4, float16: 2, int64: 8 } as const;

export type ElementType = keyof typeof ELEMENT_BYTES;

/** Elements in this process's memory. float16 are the bits of IEEE 754 half precision. */
export type TensorData = Float32Array | Uint16Array | BigInt64Array;

/**
 * A tensor that ONNX Runtime reads and writes where it lies: nothing is copied on the way in or out. Rows are packed one
 * after another, the first dimension slowest.
 */
export interface Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Its elements; undefined where the runtime keeps them to itself. */
  readonly data: TensorData | undefined;
  /** `count` rows of the first dimension from `first` on, in the same memory. It must not outlive its owner. */
  rows(first: number, count: number): Tensor;
  /** Gives the memory of these rows back to the system; what they held is lost. Does nothing where that cannot be had. */
  forget(): void;
  release(): void;
}

/** What a graph says of one of its inputs or outputs. A dimension without a fixed size is -1. */
export interface TensorInfo {
  readonly type: ElementType | 'other';
  readonly dims: readonly number[];
}

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

const ARRAYS = { float32: Float32Array, float16: Uint16Array, int64: BigInt64Array } as const;

/** `count` zeros. */
export function newData(type: ElementType, count: number): TensorData {
  return new ARRAYS[type](count);
}

/** The elements of a tensor that this process made. */
export function dataOf(tensor: Tensor): TensorData {
  if (tensor.data === undefined)
    throw new TypeError('The runtime keeps the elements of this tensor to itself.');
  return tensor.data;
}

export function typeOf(data: TensorData): ElementType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Uint16Array ? 'float16' : 'int64';
}
