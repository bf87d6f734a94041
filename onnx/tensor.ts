/** Bytes per element of the types that the inputs and outputs of graphs have. */
export const BYTES_PER_ELEMENT = { float32: 4, float16: 2, int64: 8, bool: 1 } as const;

export type ElementType = keyof typeof BYTES_PER_ELEMENT;

/**
 * Elements in the memory of this process. A Uint16Array has the bits of IEEE 754 half-precision numbers, a
 * Uint8Array booleans.
 */
export type TensorData = Float32Array | Uint16Array | BigInt64Array | Uint8Array;

/**
 * A tensor that ONNX Runtime reads and writes in place, without a copy. Elements are in row-major order: the
 * last dimension is contiguous.
 */
export interface Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** The elements. Undefined if they are in the memory of a device or of the runtime. */
  readonly data: TensorData | undefined;
  /**
   * A view of `count` rows of the first dimension from index `first`, in the same memory. It must not be used
   * after its owner is released.
   */
  sliceRows(first: number, count: number): Tensor;
  /**
   * Returns the memory to the operating system and discards the elements. A no-op where that is not
   * supported.
   */
  discardMemory(): void;
  release(): void;
}

/** Type and shape of an input or output of a graph. A dynamic dimension is -1. */
export interface TensorInfo {
  readonly type: ElementType | 'other';
  readonly dims: readonly number[];
}

/** Number of elements of a tensor of the shape `dims`. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

const ARRAY_TYPES = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** Returns an array of `count` zeros for a tensor of `type`. */
export function createTensorData(type: ElementType, count: number): TensorData {
  return new ARRAY_TYPES[type](count);
}

/** Returns the elements of a tensor. @throws TypeError if they are not in the memory of this process. */
export function requireData(tensor: Tensor): TensorData {
  if (tensor.data === undefined)
    throw new TypeError('The elements of this tensor are not in the memory of this process.');
  return tensor.data;
}

export function elementTypeOf(data: TensorData): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Uint16Array) return 'float16';
  return data instanceof Uint8Array ? 'bool' : 'int64';
}
