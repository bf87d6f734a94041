import { availableParallelism } from 'node:os';
import { loadOrtApi, type OrtApi, OrtError, type Pointer } from './c-api.ts';
import { ModelError } from './model-error.ts';
import type { Graph, OrtRuntime, RuntimeOptions } from './runtime.ts';
import {
  BYTES_PER_ELEMENT,
  type ElementType,
  elementCount,
  elementTypeOf,
  requireData,
  type Tensor,
  type TensorData,
  type TensorInfo,
} from './tensor.ts';

/** ONNXTensorElementDataType */
const TYPE_CODES = { float32: 1, int64: 7, bool: 9, float16: 10 } as const satisfies Record<
  ElementType,
  number
>;

/** OrtLoggingLevel. Failures are reported as OrtStatus, so nothing needs to be logged to stderr. */
const LOG_LEVEL_FATAL = 4;

/** OrtArenaAllocator and OrtMemTypeDefault: memory from the allocator of the provider. */
const ALLOCATOR_ARENA = 1;
const MEMORY_TYPE_DEFAULT = 0;

/** ORT's name for the memory of a provider. WebGPU is missing: its buffers are not pointers. */
const PROVIDER_MEMORY = { cpu: 'Cpu', cuda: 'Cuda', tensorrt: 'Cuda' } as const;

/** A kind of memory as ORT describes it: host memory, or the memory of a device. */
interface MemoryLocation {
  readonly api: OrtApi;
  /** OrtMemoryInfo */
  readonly info: Pointer;
  /** Memory of this process. The operating system backs only pages that were written. */
  readonly isHost: boolean;
}

/**
 * Opens ONNX Runtime through its C API. Tensors are not copied, a KV cache that is bound as both `past` and
 * `present` is updated in place, and graphs run on another thread.
 *
 * @throws Error if koffi or the library cannot be loaded.
 * @throws ModelError `model_invalid` if the library does not support the provider.
 */
export async function openCRuntime(options: RuntimeOptions): Promise<OrtRuntime> {
  if (options.provider === 'webgpu') throw new Error('WebGPU runs through onnxruntime-node.');
  const memory = PROVIDER_MEMORY[options.provider];
  const api = await loadOrtApi(options.library);
  requireProvider(api, options);
  const env = api.callForPointer('CreateEnv', LOG_LEVEL_FATAL, 'frameloom');
  const host: MemoryLocation = { api, info: createMemoryInfo(api, 'Cpu'), isHost: true };
  return {
    description: `onnxruntime ${api.version} ${options.provider} (C API, in place)`,
    updatesInPlace: true,
    allocatesLazily: options.provider === 'cpu',
    loadGraph: async (path) => {
      const session = await openSession(api, env, path, options);
      return createGraph(api, session, options.provider === 'cpu' ? host : deviceMemory(api, memory));
    },
    createTensor: (data, dims) => tensorOverArray(host, data, dims),
  };
}

/**
 * A library lists the providers that it was built with. Only a test shows whether a provider works on this
 * machine.
 *
 * @throws ModelError `model_invalid` with advice for the user.
 */
function requireProvider(api: OrtApi, options: RuntimeOptions): void {
  const session = api.callForPointer('CreateSessionOptions');
  try {
    appendProvider(api, session, options);
  } catch (cause) {
    throw new ModelError(
      'model_invalid',
      `ONNX Runtime ${api.version} cannot use ${options.provider} here. Set FRAMELOOM_ORT_LIBRARY to a build that supports it, and install its driver and libraries, or set FRAMELOOM_MODEL_PROVIDER to cpu.`,
      { cause },
    );
  } finally {
    api.release('ReleaseSessionOptions', session);
  }
}

function createMemoryInfo(api: OrtApi, name: string): Pointer {
  return api.callForPointer('CreateMemoryInfo', name, ALLOCATOR_ARENA, 0, MEMORY_TYPE_DEFAULT);
}

function deviceMemory(api: OrtApi, name: string): MemoryLocation {
  return { api, info: createMemoryInfo(api, name), isHost: false };
}

async function openSession(
  api: OrtApi,
  env: Pointer,
  path: string,
  options: RuntimeOptions,
): Promise<Pointer> {
  const session = api.callForPointer('CreateSessionOptions');
  try {
    api.call('SetSessionLogSeverityLevel', session, LOG_LEVEL_FATAL);
    api.call('SetIntraOpNumThreads', session, options.threads ?? availableParallelism());
    // Memory patterns are cached per shape, and the shapes of a growing sequence do not repeat.
    api.call('DisableMemPattern', session);
    // Spinning threads would take CPU time from ffmpeg and the worker between runs.
    api.call('AddSessionConfigEntry', session, 'session.intra_op.allow_spinning', '0');
    appendProvider(api, session, options);
    return await api.callForPointerAsync('CreateSession', env, path, session);
  } catch (cause) {
    throw new ModelError('model_invalid', 'A graph of the model folder could not be loaded.', { cause });
  } finally {
    api.release('ReleaseSessionOptions', session);
  }
}

function appendProvider(api: OrtApi, session: Pointer, { provider }: RuntimeOptions): void {
  if (provider === 'cuda' || provider === 'tensorrt') {
    // CUDA runs the operators that TensorRT does not support.
    if (provider === 'tensorrt') {
      const settings = api.callForPointer('CreateTensorRTOptions');
      try {
        api.call('AppendTensorRT', session, settings);
      } finally {
        api.release('ReleaseTensorRTOptions', settings);
      }
    }
    const settings = api.callForPointer('CreateCudaOptions');
    try {
      api.call('AppendCuda', session, settings);
    } finally {
      api.release('ReleaseCudaOptions', settings);
    }
  }
}

function createGraph(api: OrtApi, session: Pointer, device: MemoryLocation): Graph {
  let allocator: Pointer | undefined;
  return {
    inputs: readTensorInfos(api, session, 'SessionGetInput'),
    outputs: readTensorInfos(api, session, 'SessionGetOutput'),
    allocate: (type, dims) => {
      // Not the allocator of the session on the CPU: its arena grows in powers of two and never shrinks.
      if (device.isHost)
        return allocateTensor(device, api.callForPointer('GetAllocatorWithDefaultOptions'), type, dims);
      allocator ??= api.callForPointer('CreateAllocator', session, device.info);
      return allocateTensor(device, allocator, type, dims);
    },
    run: async (inputs, outputs) => {
      const binding = api.callForPointer('CreateIoBinding', session);
      try {
        for (const [name, tensor] of inputs) api.call('BindInput', binding, name, requireOrtValue(tensor));
        for (const [name, tensor] of outputs) api.call('BindOutput', binding, name, requireOrtValue(tensor));
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

/** Names, types and shapes of the inputs or outputs. */
function readTensorInfos(
  api: OrtApi,
  session: Pointer,
  side: 'SessionGetInput' | 'SessionGetOutput',
): ReadonlyMap<string, TensorInfo> {
  const allocator = api.callForPointer('GetAllocatorWithDefaultOptions');
  const infos = new Map<string, TensorInfo>();
  const count = api.callForNumber(`${side}Count`, session);
  for (let i = 0; i < count; i++) {
    const name = api.callForPointer(`${side}Name`, session, i, allocator);
    const type = api.callForPointer(`${side}TypeInfo`, session, i);
    try {
      const tensor = api.callForPointer('CastTypeInfoToTensorInfo', type);
      infos.set(
        api.readText(name),
        tensor === 0n ? { type: 'other', dims: [] } : readTensorInfo(api, tensor),
      );
    } finally {
      api.release('ReleaseTypeInfo', type);
      api.call('AllocatorFree', allocator, name);
    }
  }
  return infos;
}

function readTensorInfo(api: OrtApi, info: Pointer): TensorInfo {
  const code = api.callForNumber('GetTensorElementType', info);
  const dims = new BigInt64Array(api.callForNumber('GetDimensionsCount', info));
  api.call('GetDimensions', info, dims, dims.length);
  const type = (Object.keys(TYPE_CODES) as ElementType[]).find((name) => TYPE_CODES[name] === code);
  return { type: type ?? 'other', dims: Array.from(dims, Number) };
}

/** A tensor with an OrtValue over memory that does not move. */
class NativeTensor implements Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorData | undefined;
  /** OrtValue */
  readonly value: Pointer;
  readonly #location: MemoryLocation;
  /** Address of the first element. Undefined if `data` is set. */
  readonly #address: Pointer | undefined;
  readonly #views = new Map<string, NativeTensor>();

  constructor(
    location: MemoryLocation,
    type: ElementType,
    dims: readonly number[],
    value: Pointer,
    memory: TensorData | Pointer,
  ) {
    this.#location = location;
    this.type = type;
    this.dims = dims;
    this.value = value;
    if (typeof memory === 'bigint') this.#address = memory;
    else this.data = memory;
  }

  sliceRows(first: number, count: number): Tensor {
    const key = `${first}+${count}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const [, ...rest] = this.dims;
    const dims = [count, ...rest];
    const stride = elementCount(rest);
    const view =
      this.#address === undefined
        ? tensorOverArray(
            this.#location,
            requireData(this).subarray(first * stride, (first + count) * stride),
            dims,
          )
        : tensorOverAddress(
            this.#location,
            this.type,
            dims,
            this.#address + BigInt(first * stride * BYTES_PER_ELEMENT[this.type]),
          );
    this.#views.set(key, view);
    return view;
  }

  discardMemory(): void {
    const { api, isHost } = this.#location;
    if (isHost && this.#address !== undefined) {
      api.discardPages(this.#address, elementCount(this.dims) * BYTES_PER_ELEMENT[this.type]);
    }
  }

  release(): void {
    for (const view of this.#views.values()) view.release();
    this.#views.clear();
    this.#location.api.release('ReleaseValue', this.value);
  }
}

function requireOrtValue(tensor: Tensor): Pointer {
  if (tensor instanceof NativeTensor) return tensor.value;
  throw new TypeError('The tensor belongs to another runtime.');
}

/** A tensor over the memory of a typed array. */
function tensorOverArray(location: MemoryLocation, data: TensorData, dims: readonly number[]): NativeTensor {
  // V8 stores short typed arrays on its moving heap until their buffer is accessed.
  void data.buffer;
  const type = elementTypeOf(data);
  const value = createOrtValue(location, type, dims, data, data.byteLength);
  return new NativeTensor(location, type, dims, value, data);
}

/** A tensor over memory that it does not own. */
function tensorOverAddress(
  location: MemoryLocation,
  type: ElementType,
  dims: readonly number[],
  address: Pointer,
): NativeTensor {
  const value = createOrtValue(location, type, dims, address, elementCount(dims) * BYTES_PER_ELEMENT[type]);
  return new NativeTensor(location, type, dims, value, address);
}

function allocateTensor(
  location: MemoryLocation,
  allocator: Pointer,
  type: ElementType,
  dims: readonly number[],
): NativeTensor {
  const shape = BigInt64Array.from(dims, BigInt);
  const value = location.api.callForPointer(
    'CreateTensorAsOrtValue',
    allocator,
    shape,
    dims.length,
    TYPE_CODES[type],
  );
  const address = location.api.callForPointer('GetTensorMutableData', value);
  return new NativeTensor(location, type, dims, value, address);
}

function createOrtValue(
  { api, info }: MemoryLocation,
  type: ElementType,
  dims: readonly number[],
  memory: TensorData | Pointer,
  bytes: number,
): Pointer {
  const shape = BigInt64Array.from(dims, BigInt);
  return api.callForPointer(
    'CreateTensorWithDataAsOrtValue',
    info,
    memory,
    bytes,
    shape,
    dims.length,
    TYPE_CODES[type],
  );
}
