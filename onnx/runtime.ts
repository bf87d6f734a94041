import type { ElementType, Tensor, TensorData, TensorInfo } from './tensor.ts';

/** Execution providers. `cpu` always works. The others need a library that supports them, and a device. */
export const PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Selects the library and the device that run graphs. */
export interface RuntimeOptions {
  readonly provider: Provider;
  /** Number of CPU threads for the operators of a graph. Default: one per core. */
  readonly threads?: number | undefined;
  /** Path of a libonnxruntime, such as a GPU build. Default: the library of onnxruntime-node. */
  readonly library?: string | undefined;
}

/**
 * The port to ONNX Runtime. It has two adapters: the C API (`c-runtime.ts`), which updates tensors in place
 * and runs off the event loop, and onnxruntime-node (`node-runtime.ts`), which runs on every platform that
 * npm supports. test/onnx/runtimes.test.ts is the contract suite of both.
 */
export interface OrtRuntime {
  /** Name, version and provider, such as `onnxruntime 1.30.0 cpu (C API, in place)`. */
  readonly description: string;
  /**
   * The cost of a step grows with the used length of a cache, not with its capacity. Rows can then share
   * steps.
   */
  readonly updatesInPlace: boolean;
  /** Memory from `Graph.allocate` is backed by the operating system only after it was written. */
  readonly allocatesLazily: boolean;
  /**
   * Loads a graph (.onnx) by its path, which lets ONNX Runtime find external weights in the same folder.
   *
   * @throws ModelError `model_invalid` if the file is missing or not a graph that the provider can run.
   */
  loadGraph(path: string): Promise<Graph>;
  /**
   * Wraps `data` as a tensor of the shape `dims`, without a copy. `data` must not change until the tensor is
   * released.
   */
  createTensor(data: TensorData, dims: readonly number[]): Tensor;
}

/** A loaded graph. Runs one at a time. */
export interface Graph {
  readonly inputs: ReadonlyMap<string, TensorInfo>;
  readonly outputs: ReadonlyMap<string, TensorInfo>;
  /** Allocates a tensor for state between runs, on the device of the graph. The elements are zeros. */
  allocate(type: ElementType, dims: readonly number[]): Tensor;
  /**
   * Runs the graph once. Each output is written to its tensor in `outputs`, which may also be an input.
   * Outputs without a tensor are discarded.
   *
   * @throws ModelError `runtime` if ONNX Runtime fails, for example because a shape does not match.
   */
  run(inputs: Iterable<NamedTensor>, outputs: Iterable<NamedTensor>): Promise<void>;
  /** Releases the graph. Release its tensors first. */
  close(): Promise<void>;
}

/** An input or output with its name in the graph. */
export type NamedTensor = readonly [name: string, tensor: Tensor];
