import type { ElementType, Tensor, TensorData, TensorInfo } from './tensor.ts';

/** Where graphs run. `cpu` always works; the others need a library and a device that have them. */
export const PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu'] as const;
export type Provider = (typeof PROVIDERS)[number];

export interface RuntimeOptions {
  readonly provider: Provider;
  /** Threads of a graph's operators on the CPU; one per core when left out. */
  readonly threads?: number | undefined;
  /** Path of another libonnxruntime, such as a GPU build. */
  readonly library?: string | undefined;
}

/**
 * ONNX Runtime as this model needs it, behind one small interface: its C API (`c-runtime.ts`), which works in place and
 * off the event loop, or plain onnxruntime-node (`node-runtime.ts`), which runs wherever npm can install it. One suite,
 * test/onnx/runtimes.test.ts, holds both to the same behaviour.
 */
export interface OrtRuntime {
  /** Name, version and provider, such as `onnxruntime 1.30.0 cpu (C API, in place)`. */
  readonly description: string;
  /** Steps cost what is in a cache and not how long it could be, and rows share steps. */
  readonly inPlace: boolean;
  /** Memory of `deviceMemory` is taken from the system only where something is written. */
  readonly lazyMemory: boolean;
  /**
   * Loads a graph by path, so that ONNX Runtime finds external weights beside it.
   *
   * @throws ModelError `model_invalid`.
   */
  open(path: string): Promise<Graph>;
  /** `data` as a tensor, in place. `data` must stay as it is until the tensor is released. */
  tensor(data: TensorData, dims: readonly number[]): Tensor;
}

/** One loaded graph. */
export interface Graph {
  readonly inputs: ReadonlyMap<string, TensorInfo>;
  readonly outputs: ReadonlyMap<string, TensorInfo>;
  /** Memory where this graph keeps its state between runs: on its device, or in this process. All zeros at first. */
  deviceMemory(type: ElementType, dims: readonly number[]): Tensor;
  /**
   * Runs once. Outputs are written into the tensors given for them, which may be inputs too; outputs without one are
   * dropped. One run at a time.
   *
   * @throws ModelError `runtime`.
   */
  run(inputs: Iterable<NamedTensor>, outputs: Iterable<NamedTensor>): Promise<void>;
  close(): Promise<void>;
}

export type NamedTensor = readonly [name: string, tensor: Tensor];
