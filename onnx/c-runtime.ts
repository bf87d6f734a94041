import { availableParallelism } from 'node:os';
import { loadOrtApi, type OrtApi, OrtError, type Pointer } from './c-api.ts';
import { ModelError } from './model-error.ts';
import type { Graph, OrtRuntime, RuntimeOptions } from './runtime.ts';
import {
  dataOf,
  ELEMENT_BYTES,
  type ElementType,
  elementCount,
  type Tensor,
  type TensorData,
  type TensorInfo,
  typeOf,
} from './tensor.ts';

/** ONNXTensorElementDataType */
const TYPE_CODES = { float32: 1, int64: 7, float16: 10 } as const satisfies Record<ElementType, number>;

/** OrtLoggingLevel: what a failure says comes with its status, so nothing needs to be written to stderr. */
const FATAL = 4;

/** OrtArenaAllocator and OrtMemTypeDefault: memory as a provider's own allocator gives it. */
const ARENA = 1;
const DEFAULT_MEMORY = 0;

/** ORT's name for the memory of a provider. WebGPU is onnxruntime-node's: its buffers are no pointers. */
const MEMORY = { cpu: 'Cpu', cuda: 'Cuda', tensorrt: 'Cuda' } as const;

/** Memory that an allocator or this process owns, as ORT knows it. */
interface Place {
  readonly api: OrtApi;
  /** OrtMemoryInfo */
  readonly info: Pointer;
  /** It is memory of this process, of which the system gives only what is written. */
  readonly host: boolean;
}

/**
 * ONNX Runtime through its C API: tensors stay where they are, a KV cache that is bound as both `past` and `present` is
 * updated in place, and runs happen on another thread.
 *
 * @throws whatever koffi throws where it or the library cannot be had; ModelError `model_invalid` where the library has
 * no such provider.
 */
export async function openCRuntime(options: RuntimeOptions): Promise<OrtRuntime> {
  if (options.provider === 'webgpu') throw new Error('WebGPU runs through onnxruntime-node.');
  const memory = MEMORY[options.provider];
  const api = await loadOrtApi(options.library);
  requireProvider(api, options);
  const env = api.make('CreateEnv', FATAL, 'frameloom');
  const host: Place = { api, info: memoryInfo(api, 'Cpu'), host: true };
  return {
    description: `onnxruntime ${api.version} ${options.provider} (C API, in place)`,
    inPlace: true,
    lazyMemory: options.provider === 'cpu',
    open: async (path) => {
      const session = await openSession(api, env, path, options);
      return createGraph(api, session, options.provider === 'cpu' ? host : deviceOf(api, memory));
    },
    tensor: (data, dims) => wrap(host, data, dims),
  };
}

/**
 * A library lists what it was built for; whether a provider really is there shows when it is asked for.
 *
 * @throws ModelError `model_invalid` that says what to do.
 */
function requireProvider(api: OrtApi, options: RuntimeOptions): void {
  const session = api.make('CreateSessionOptions');
  try {
    appendProvider(api, session, options);
  } catch (cause) {
    throw new ModelError(
      'model_invalid',
      `ONNX Runtime ${api.version} cannot use ${options.provider} here. Set FRAMELOOM_ORT_LIBRARY to a build that has it, with the driver and libraries it needs, or FRAMELOOM_MODEL_PROVIDER to cpu.`,
      { cause },
    );
  } finally {
    api.release('ReleaseSessionOptions', session);
  }
}

function memoryInfo(api: OrtApi, name: string): Pointer {
  return api.make('CreateMemoryInfo', name, ARENA, 0, DEFAULT_MEMORY);
}

function deviceOf(api: OrtApi, name: string): Place {
  return { api, info: memoryInfo(api, name), host: false };
}

async function openSession(
  api: OrtApi,
  env: Pointer,
  path: string,
  options: RuntimeOptions,
): Promise<Pointer> {
  const session = api.make('CreateSessionOptions');
  try {
    api.call('SetSessionLogSeverityLevel', session, FATAL);
    api.call('SetIntraOpNumThreads', session, options.threads ?? availableParallelism());
    // It remembers a plan for every shape it has seen, and the shapes of a growing sequence never come again.
    api.call('DisableMemPattern', session);
    // Threads that go on waiting actively between runs would take the other core from ffmpeg and the worker.
    api.call('AddSessionConfigEntry', session, 'session.intra_op.allow_spinning', '0');
    appendProvider(api, session, options);
    return await api.makeAsync('CreateSession', env, path, session);
  } catch (cause) {
    throw new ModelError('model_invalid', 'A graph of the model folder could not be loaded.', { cause });
  } finally {
    api.release('ReleaseSessionOptions', session);
  }
}

function appendProvider(api: OrtApi, session: Pointer, { provider }: RuntimeOptions): void {
  if (provider === 'cuda' || provider === 'tensorrt') {
    // TensorRT leaves to CUDA what it does not take.
    if (provider === 'tensorrt') {
      const settings = api.make('CreateTensorRTOptions');
      try {
        api.call('AppendTensorRT', session, settings);
      } finally {
        api.release('ReleaseTensorRTOptions', settings);
      }
    }
    const settings = api.make('CreateCudaOptions');
    try {
      api.call('AppendCuda', session, settings);
    } finally {
      api.release('ReleaseCudaOptions', settings);
    }
  }
}

function createGraph(api: OrtApi, session: Pointer, device: Place): Graph {
  let allocator: Pointer | undefined;
  return {
    inputs: describe(api, session, 'SessionGetInput'),
    outputs: describe(api, session, 'SessionGetOutput'),
    deviceMemory: (type, dims) => {
      // Not the session's own allocator on the CPU: that one keeps what it once had, in steps of powers of two.
      if (device.host) return allocate(device, api.make('GetAllocatorWithDefaultOptions'), type, dims);
      allocator ??= api.make('CreateAllocator', session, device.info);
      return allocate(device, allocator, type, dims);
    },
    run: async (inputs, outputs) => {
      const binding = api.make('CreateIoBinding', session);
      try {
        for (const [name, tensor] of inputs) api.call('BindInput', binding, name, ortValue(tensor));
        for (const [name, tensor] of outputs) api.call('BindOutput', binding, name, ortValue(tensor));
        await api.callAsync('RunWithBinding', session, null, binding);
      } catch (cause) {
        if (cause instanceof OrtError) {
          throw new ModelError('runtime', 'ONNX Runtime could not run the model.', { cause });
        }
        throw cause;
      } finally {
        api.release('ReleaseIoBinding', binding);
      }
    },
    close: async () => {
      if (allocator !== undefined) api.release('ReleaseAllocator', allocator);
      api.release('ReleaseSession', session);
    },
  };
}

/** Names, types and sizes of the inputs or outputs. */
function describe(
  api: OrtApi,
  session: Pointer,
  side: 'SessionGetInput' | 'SessionGetOutput',
): ReadonlyMap<string, TensorInfo> {
  const allocator = api.make('GetAllocatorWithDefaultOptions');
  const found = new Map<string, TensorInfo>();
  const count = api.read(`${side}Count`, session);
  for (let i = 0; i < count; i++) {
    const name = api.make(`${side}Name`, session, i, allocator);
    const type = api.make(`${side}TypeInfo`, session, i);
    try {
      const tensor = api.make('CastTypeInfoToTensorInfo', type);
      found.set(api.text(name), tensor === 0n ? { type: 'other', dims: [] } : tensorInfo(api, tensor));
    } finally {
      api.release('ReleaseTypeInfo', type);
      api.call('AllocatorFree', allocator, name);
    }
  }
  return found;
}

function tensorInfo(api: OrtApi, info: Pointer): TensorInfo {
  const code = api.read('GetTensorElementType', info);
  const dims = new BigInt64Array(api.read('GetDimensionsCount', info));
  api.call('GetDimensions', info, dims, dims.length);
  const type = (Object.keys(TYPE_CODES) as ElementType[]).find((name) => TYPE_CODES[name] === code);
  return { type: type ?? 'other', dims: Array.from(dims, Number) };
}

/** A tensor with an OrtValue over memory that lies somewhere for good. */
class NativeTensor implements Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorData | undefined;
  /** OrtValue */
  readonly value: Pointer;
  readonly #place: Place;
  /** Where the memory begins; known only where `data` is not. */
  readonly #address: Pointer | undefined;
  readonly #views = new Map<string, NativeTensor>();

  constructor(
    place: Place,
    type: ElementType,
    dims: readonly number[],
    value: Pointer,
    memory: TensorData | Pointer,
  ) {
    this.#place = place;
    this.type = type;
    this.dims = dims;
    this.value = value;
    if (typeof memory === 'bigint') this.#address = memory;
    else this.data = memory;
  }

  rows(first: number, count: number): Tensor {
    const key = `${first}+${count}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const [, ...rest] = this.dims;
    const dims = [count, ...rest];
    const stride = elementCount(rest);
    const view =
      this.#address === undefined
        ? wrap(this.#place, dataOf(this).subarray(first * stride, (first + count) * stride), dims)
        : over(
            this.#place,
            this.type,
            dims,
            this.#address + BigInt(first * stride * ELEMENT_BYTES[this.type]),
          );
    this.#views.set(key, view);
    return view;
  }

  forget(): void {
    const { api, host } = this.#place;
    if (host && this.#address !== undefined) {
      api.forget(this.#address, elementCount(this.dims) * ELEMENT_BYTES[this.type]);
    }
  }

  release(): void {
    for (const view of this.#views.values()) view.release();
    this.#views.clear();
    this.#place.api.release('ReleaseValue', this.value);
  }
}

function ortValue(tensor: Tensor): Pointer {
  if (tensor instanceof NativeTensor) return tensor.value;
  throw new TypeError('This tensor belongs to another runtime.');
}

/** A tensor over the memory of a typed array. */
function wrap(place: Place, data: TensorData, dims: readonly number[]): NativeTensor {
  // V8 keeps short typed arrays on its heap, where they move, until somebody asks for their buffer.
  void data.buffer;
  const type = typeOf(data);
  const value = createValue(place, type, dims, data, data.byteLength);
  return new NativeTensor(place, type, dims, value, data);
}

/** A tensor over memory that somebody else owns. */
function over(place: Place, type: ElementType, dims: readonly number[], address: Pointer): NativeTensor {
  const value = createValue(place, type, dims, address, elementCount(dims) * ELEMENT_BYTES[type]);
  return new NativeTensor(place, type, dims, value, address);
}

function allocate(
  place: Place,
  allocator: Pointer,
  type: ElementType,
  dims: readonly number[],
): NativeTensor {
  const shape = BigInt64Array.from(dims, BigInt);
  const value = place.api.make('CreateTensorAsOrtValue', allocator, shape, dims.length, TYPE_CODES[type]);
  const address = place.api.make('GetTensorMutableData', value);
  return new NativeTensor(place, type, dims, value, address);
}

function createValue(
  { api, info }: Place,
  type: ElementType,
  dims: readonly number[],
  memory: TensorData | Pointer,
  bytes: number,
): Pointer {
  const shape = BigInt64Array.from(dims, BigInt);
  return api.make(
    'CreateTensorWithDataAsOrtValue',
    info,
    memory,
    bytes,
    shape,
    dims.length,
    TYPE_CODES[type],
  );
}
