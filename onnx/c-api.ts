import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The C API of ONNX Runtime: one struct of function pointers, versioned and append-only, so that a place in it never
 * changes (`onnxruntime_c_api.h`; ort-sys 2.0.0 lists it in the same order). Version 20 came with ONNX Runtime 1.20.
 */
const API_VERSION = 20;

/** Paths are wide on Windows (`ORTCHAR_T`). */
const PATH_TYPE = process.platform === 'win32' ? 'const char16_t *' : 'const char *';

/** A pointer of the library, opaque here. */
export type Pointer = bigint;

/** Place in the table and parameters of every function that is used. All give an OrtStatus, or nothing (`Release…`). */
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
} as const satisfies Record<string, readonly [place: number, result: string, parameters: string]>;

type FunctionName = keyof typeof FUNCTIONS;

/** What a function may be given: numbers, pointers, text, arrays for what it reads or writes, null. */
type Argument = number | Pointer | string | NodeJS.ArrayBufferView | (Pointer | number | null)[] | null;

/** A failure that ONNX Runtime reports, with its own words. */
export class OrtError extends Error {
  override readonly name = 'OrtError';
}

/** The library, loaded. Every OrtStatus is read and released here; all other pointers are the caller's to release. */
export interface OrtApi {
  /** Version of the library, such as `1.30.0`. */
  readonly version: string;
  /** @throws OrtError when the function reports one. */
  call(name: FunctionName, ...args: readonly Argument[]): void;
  /** As `call`, for a function whose last parameter is where it puts a pointer: gives that pointer. */
  make(name: FunctionName, ...args: readonly Argument[]): Pointer;
  /** As `call`, for a function whose last parameter is where it puts a number. */
  read(name: FunctionName, ...args: readonly Argument[]): number;
  /** As `call`, on another thread. */
  callAsync(name: FunctionName, ...args: readonly Argument[]): Promise<void>;
  /** As `make`, on another thread. */
  makeAsync(name: FunctionName, ...args: readonly Argument[]): Promise<Pointer>;
  release(name: FunctionName & `Release${string}`, pointer: Pointer): void;
  /** The memory at `pointer`, not copied. It must stay valid as long as the view is used. */
  view(pointer: Pointer, bytes: number): ArrayBuffer;
  /** The text at `pointer`. */
  text(pointer: Pointer): string;
  /** Tells the system that these bytes need no memory until they are written again. */
  forget(pointer: Pointer, bytes: number): void;
}

type Koffi = typeof import('koffi')['default'];
type Native = ReturnType<ReturnType<Koffi['load']>['func']>;

/**
 * Loads koffi and libonnxruntime.
 *
 * @param path of the library; that of the onnxruntime-node package when left out.
 * @throws whatever the loaders throw where either cannot be had, or an Error when the library is too old.
 */
export async function loadOrtApi(path: string | undefined): Promise<OrtApi> {
  const { default: koffi } = await import('koffi');
  const library = koffi.load(path ?? bundledLibrary());
  const base = koffi.decode(
    library.func('void *OrtGetApiBase()')(),
    koffi.struct({ GetApi: 'void *', GetVersionString: 'void *' }),
  ) as { GetApi: Pointer; GetVersionString: Pointer }; // as the struct says
  const version = String(koffi.call(base.GetVersionString, koffi.proto('const char *()')));
  const table: unknown = koffi.call(base.GetApi, koffi.proto('void *(uint32_t version)'), API_VERSION);
  if (typeof table !== 'bigint' || table === 0n) {
    throw new Error(`ONNX Runtime ${version} is too old: 1.20 or later is needed.`);
  }
  const last = Math.max(...Object.values(FUNCTIONS).map(([place]) => place));
  const places = new BigUint64Array(koffi.view(table, (last + 1) * 8));
  const functions = new Map<FunctionName, Native>();
  for (const [name, [place, result, parameters]] of Object.entries(FUNCTIONS)) {
    const decoded: unknown = koffi.decode(places[place], koffi.proto(`${result} (${parameters})`));
    functions.set(name as FunctionName, decoded as Native); // a key of the table; a prototype decodes to a function
  }
  const madvise = memoryAdvice(koffi);

  function native(name: FunctionName): Native {
    const found = functions.get(name);
    if (found === undefined) throw new Error(`no such function: ${name}`);
    return found;
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
    make: (name, ...args) => {
      const out: [Pointer | null] = [null];
      check(native(name)(...args, out));
      return out[0] ?? 0n;
    },
    read: (name, ...args) => {
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
    makeAsync: async (name, ...args) => {
      const out: [Pointer | null] = [null];
      await api.callAsync(name, ...args, out);
      return out[0] ?? 0n;
    },
    release: (name, pointer) => native(name)(pointer),
    view: (pointer, bytes) => koffi.view(pointer, bytes),
    text: (pointer) => String(koffi.decode(pointer, 'char', -1)),
    forget: (pointer, bytes) => {
      // Whole pages only: what lies beside is somebody else's.
      const first = ((pointer + PAGE - 1n) / PAGE) * PAGE;
      const length = ((pointer + BigInt(bytes)) / PAGE) * PAGE - first;
      if (length > 0n) madvise?.(first, length, MADV_DONTNEED);
    },
  };
  return api;
}

/** The largest page size of the systems this runs on is no matter: Linux takes any multiple of the real one. */
const PAGE = 65_536n;
const MADV_DONTNEED = 4;

/** Linux' `madvise`; undefined elsewhere, where its constants and promises differ. */
function memoryAdvice(koffi: Koffi): Native | undefined {
  if (process.platform !== 'linux') return undefined;
  return koffi.load(null).func('int madvise(void *address, size_t length, int advice)');
}

/** libonnxruntime beside the binding of onnxruntime-node. */
function bundledLibrary(): string {
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
