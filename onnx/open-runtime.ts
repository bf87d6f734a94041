import { openCRuntime } from './c-runtime.ts';
import { ModelError } from './model-error.ts';
import type { OrtRuntime, RuntimeOptions } from './runtime.ts';

/**
 * Which runtime a model would run on here, without loading one.
 *
 * @throws ModelError as `openRuntime`.
 */
export async function examineRuntime(
  options: RuntimeOptions,
): Promise<{ readonly description: string; readonly fallback: string | undefined }> {
  const { runtime, fallback } = await openRuntime(options);
  return { description: runtime.description, fallback };
}

/** A runtime, and why it is not the faster one. */
export interface ChosenRuntime {
  readonly runtime: OrtRuntime;
  /** For `doctor` and the log; undefined where the C API runs. */
  readonly fallback: string | undefined;
}

/**
 * The C API wherever it can be had, else onnxruntime-node.
 *
 * @throws ModelError `model_invalid` when the provider is not to be had, or a library was asked for by name and cannot be
 * loaded: to run something else then would hide the mistake.
 */
export async function openRuntime(options: RuntimeOptions): Promise<ChosenRuntime> {
  if (options.provider === 'webgpu') {
    return { runtime: await openPortable(options), fallback: 'WebGPU runs through onnxruntime-node' };
  }
  try {
    return { runtime: await openCRuntime(options), fallback: undefined };
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (options.library !== undefined || options.provider !== 'cpu') {
      throw new ModelError(
        'model_invalid',
        'The library of ONNX Runtime could not be loaded; check FRAMELOOM_ORT_LIBRARY and that koffi is installed.',
        { cause },
      );
    }
    return { runtime: await openPortable(options), fallback: `the C API cannot be used: ${reason}` };
  }
}

/** Loaded when it is needed: it is native code, and most processes of the system run no model. */
async function openPortable(options: RuntimeOptions): Promise<OrtRuntime> {
  const { openNodeRuntime } = await import('./node-runtime.ts');
  return openNodeRuntime(options);
}
