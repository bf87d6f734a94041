import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The C API of ONNX Runtime is one versioned, append-only struct of function pointers: the index of a
 * function never changes (`onnxruntime_c_api.h`; ort-sys 2.0.0 has the same order). Version 20 is that of
 * ONNX Runtime 1.20.
 */
const API_VERSION = 20;

/** Paths are UTF-16 on Windows (`ORTCHAR_T`). */
const PATH_TYPE = process.platform === 'win32' ? 'const char16_t *' : 'const char *';

/** An opaque native pointer. */
export type Pointer = bigint;

/**
 * Index in the struct, result and parameters of each function that is used. `Release…` returns nothing, all
 * others return an OrtStatus, except GetErrorMessage.
 */
const FUNCTIONS = {
  GetErrorMessage: [2, 'const char *', 'void *status'],
  CreateEnv: [3, 'void *', 'int level, const char *id, _Out_ void **env'],
  CreateSession: [7, 'void *', `void *env, ${PATH_TYPE} path, void *options, _Out_ void **session`],
  CreateSessionOptions: [10, 'void *', '_Out_ void **options'],
  DisableMemPattern: [17, 'void *', 'void *options'],
  SetSessionLogSeverityLevel: [22, 'void *', 'void *options, int level'],
  SetIntraOpNumThreads: [24, 'void *', 'void *options, int threads'],
  SessionGetInputCount: [30, 'void *', 'void *session, _Out_ size_t *count'],
  SessionGetOutputCount: [31, 'void *', 'void *session, _Out_ size_t *count'],
  SessionGetInputTypeInfo: [33, 'void *', 'void *session, size_t index, _Out_ void **info'],
  SessionGetOutputTypeInfo: [34, 'void *', 'void *session, size_t index, _Out_ void **info'],
  SessionGetInputName: [36, 'void *', 'void *session, size_t index, void *allocator, _Out_ void **name'],
  SessionGetOutputName: [37, 'void *', 'void *session, size_t index, void *allocator, _Out_ void **name'],
  CreateTensorAsOrtValue: [
    48,
    'void *',
    'void *allocator, int64_t *dims, size_t rank, int type, _Out_ void **value',
  ],
  CreateTensorWithDataAsOrtValue: [
    49,
    'void *',
    'void *info, void *data, size_t bytes, int64_t *dims, size_t rank, int type, _Out_ void **value',
  ],
  GetTensorMutableData: [51, 'void *', 'void *value, _Out_ void **data'],
  CastTypeInfoToTensorInfo: [55, 'void *', 'void *info, _Out_ void **tensorInfo'],
  GetTensorElementType: [60, 'void *', 'void *tensorInfo, _Out_ int *type'],
  GetDimensionsCount: [61, 'void *', 'void *tensorInfo, _Out_ size_t *rank'],
  GetDimensions: [62, 'void *', 'void *tensorInfo, _Out_ int64_t *dims, size_t rank'],
  CreateMemoryInfo: [68, 'void *', 'const char *name, int allocator, int id, int memory, _Out_ void **info'],
  AllocatorFree: [76, 'void *', 'void *allocator, void *memory'],
  GetAllocatorWithDefaultOptions: [78, 'void *', '_Out_ void **allocator'],
  ReleaseStatus: [93, 'void', 'void *status'],
  ReleaseMemoryInfo: [94, 'void', 'void *info'],
  ReleaseSession: [95, 'void', 'void *session'],
  ReleaseValue: [96, 'void', 'void *value'],
  ReleaseTypeInfo: [98, 'void', 'void *info'],
  ReleaseSessionOptions: [100, 'void', 'void *options'],
  AddSessionConfigEntry: [130, 'void *', 'void *options, const char *key, const char *value'],
  CreateAllocator: [131, 'void *', 'void *session, void *info, _Out_ void **allocator'],
  ReleaseAllocator: [132, 'void', 'void *allocator'],
  RunWithBinding: [133, 'void *', 'void *session, void *options, void *binding'],
  CreateIoBinding: [134, 'void *', 'void *session, _Out_ void **binding'],
  ReleaseIoBinding: [135, 'void', 'void *binding'],
  BindInput: [136, 'void *', 'void *binding, const char *name, void *value'],
  BindOutput: [137, 'void *', 'void *binding, const char *name, void *value'],
  AppendTensorRT: [170, 'void *', 'void *options, void *provider'],
  CreateTensorRTOptions: [171, 'void *', '_Out_ void **provider'],
  ReleaseTensorRTOptions: [174, 'void', 'void *provider'],
  AppendCuda: [204, 'void *', 'void *options, void *provider'],
  CreateCudaOptions: [205, 'void *', '_Out_ void **provider'],
  ReleaseCudaOptions: [208, 'void', 'void *provider'],
} as const satisfies Record<string, readonly [index: number, result: string, parameters: string]>;

type FunctionName = keyof typeof FUNCTIONS;

/** An argument of a native function. Arrays serve as buffers that it reads or writes. */
type Argument = number | Pointer | string | NodeJS.ArrayBufferView | (Pointer | number | null)[] | null;

/** A failure reported by ONNX Runtime, with its native message. */
export class OrtError extends Error {
  override readonly name = 'OrtError';
}

/**
 * The loaded library. Each OrtStatus is checked and released here. The caller releases all other pointers.
 */
export interface OrtApi {
  /** Version of the library, such as `1.30.0`. */
  readonly version: string;
  /** Calls a function. @throws OrtError if the function reports a failure. */
  call(name: FunctionName, ...args: readonly Argument[]): void;
  /** Calls a function whose last parameter receives a pointer, and returns that pointer. @throws OrtError. */
  callForPointer(name: FunctionName, ...args: readonly Argument[]): Pointer;
  /** Calls a function whose last parameter receives a number, and returns that number. @throws OrtError. */
  callForNumber(name: FunctionName, ...args: readonly Argument[]): number;
  /** `call` on another thread. */
  callAsync(name: FunctionName, ...args: readonly Argument[]): Promise<void>;
  /** `callForPointer` on another thread. */
  callForPointerAsync(name: FunctionName, ...args: readonly Argument[]): Promise<Pointer>;
  release(name: FunctionName & `Release${string}`, pointer: Pointer): void;
  /** The memory at `pointer` without a copy. It must stay valid while the view is used. */
  viewMemory(pointer: Pointer, bytes: number): ArrayBuffer;
  /** The zero-terminated UTF-8 string at `pointer`. */
  readText(pointer: Pointer): string;
  /** Returns the physical memory of these bytes to the operating system. They read as zeros afterwards. */
  discardPages(pointer: Pointer, bytes: number): void;
}

type Koffi = typeof import('koffi')['default'];
type Native = ReturnType<ReturnType<Koffi['load']>['func']>;

/**
 * Loads koffi and libonnxruntime.
 *
 * @param path Path of the library. Default: the library of the onnxruntime-node package.
 * @throws Error if koffi or the library cannot be loaded, or if the library is older than 1.20.
 */
export async function loadOrtApi(path: string | undefined): Promise<OrtApi> {
  const { default: koffi } = await import('koffi');
  const { version, functions } = loadFunctions(koffi, path ?? bundledLibraryPath());
  const madvise = loadMadvise(koffi);

  function native(name: FunctionName): Native {
    const nativeFunction = functions.get(name);
    if (nativeFunction === undefined) throw new Error(`unknown function: ${name}`);
    return nativeFunction;
  }

  function check(status: Pointer | null): void {
    if (status === null || status === 0n) return;
    const message = String(native('GetErrorMessage')(status));
    native('ReleaseStatus')(status);
    throw new OrtError(message);
  }

  const api: OrtApi = {
    version,
    call: (name, ...args) => check(native(name)(...args)),
    callForPointer: (name, ...args) => {
      const out: [Pointer | null] = [null];
      check(native(name)(...args, out));
      return out[0] ?? 0n;
    },
    callForNumber: (name, ...args) => {
      const out: [number] = [0];
      check(native(name)(...args, out));
      return Number(out[0]);
    },
    callAsync: (name, ...args) =>
      new Promise((resolve, reject) => {
        native(name).async(...args, (error: unknown, status: Pointer | null) => {
          try {
            if (error) throw error;
            check(status);
            resolve();
          } catch (failure) {
            reject(failure);
          }
        });
      }),
    callForPointerAsync: async (name, ...args) => {
      const out: [Pointer | null] = [null];
      await api.callAsync(name, ...args, out);
      return out[0] ?? 0n;
    },
    release: (name, pointer) => native(name)(pointer),
    viewMemory: (pointer, bytes) => koffi.view(pointer, bytes),
    readText: (pointer) => String(koffi.decode(pointer, 'char', -1)),
    discardPages: (pointer, bytes) => {
      // Whole pages only: the rest of the first and the last page belongs to other data.
      const first = ((pointer + PAGE_BYTES - 1n) / PAGE_BYTES) * PAGE_BYTES;
      const length = ((pointer + BigInt(bytes)) / PAGE_BYTES) * PAGE_BYTES - first;
      if (length > 0n) madvise?.(first, length, MADV_DONTNEED);
    },
  };
  return api;
}

/** Loads the library and the functions of its table. @throws Error as `loadOrtApi`. */
function loadFunctions(
  koffi: Koffi,
  path: string,
): { readonly version: string; readonly functions: ReadonlyMap<FunctionName, Native> } {
  const library = koffi.load(path);
  const base = koffi.decode(
    library.func('void *OrtGetApiBase()')(),
    koffi.struct({ GetApi: 'void *', GetVersionString: 'void *' }),
  ) as { GetApi: Pointer; GetVersionString: Pointer }; // the types of the struct
  const version = String(koffi.call(base.GetVersionString, koffi.proto('const char *()')));
  const table: unknown = koffi.call(base.GetApi, koffi.proto('void *(uint32_t version)'), API_VERSION);
  if (typeof table !== 'bigint' || table === 0n) {
    throw new Error(`ONNX Runtime ${version} is too old: 1.20 or later is required.`);
  }
  const last = Math.max(...Object.values(FUNCTIONS).map(([index]) => index));
  const pointers = new BigUint64Array(koffi.view(table, (last + 1) * 8));
  const functions = new Map<FunctionName, Native>();
  for (const [name, [index, result, parameters]] of Object.entries(FUNCTIONS)) {
    const decoded: unknown = koffi.decode(pointers[index], koffi.proto(`${result} (${parameters})`));
    // `name` is a key of the table, and a prototype decodes to a function.
    functions.set(name as FunctionName, decoded as Native);
  }
  return { version, functions };
}

/**
 * Linux accepts any multiple of the page size. 64 KiB is the largest page size of the supported platforms.
 */
const PAGE_BYTES = 65_536n;
const MADV_DONTNEED = 4;

/** `madvise` of Linux. Undefined on other systems, whose constants and guarantees differ. */
function loadMadvise(koffi: Koffi): Native | undefined {
  if (process.platform !== 'linux') return undefined;
  return koffi.load(null).func('int madvise(void *address, size_t length, int advice)');
}

/** Path of libonnxruntime in the package onnxruntime-node. */
function bundledLibraryPath(): string {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const names: Partial<Record<NodeJS.Platform, string>> = {
    linux: 'libonnxruntime.so.1',
    darwin: 'libonnxruntime.1.dylib',
    win32: 'onnxruntime.dll',
  };
  const name = names[process.platform];
  if (name === undefined) throw new Error(`onnxruntime-node has no library for ${process.platform}.`);
  return join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch, name);
}
