import { openCRuntime } from './c-runtime.ts';
import { ModelError } from './model-error.ts';
import type { OrtRuntime, RuntimeOptions } from './runtime.ts';

/**
 * Returns the description of the runtime that `openRuntime` selects, and the reason why it is not the C API.
 * Loads no model.
 *
 * @throws ModelError `model_invalid`, as `openRuntime`.
 */
export async function inspectRuntime(
  options: RuntimeOptions,
): Promise<{ readonly description: string; readonly fallback: string | undefined }> {
  const { runtime, fallback } = await openRuntime(options);
  return { description: runtime.description, fallback };
}

/** A runtime and the reason for its selection. */
export interface RuntimeSelection {
  readonly runtime: OrtRuntime;
  /** Why the C API is not used, for `doctor` and the log. Undefined if it is. */
  readonly fallback: string | undefined;
}

/**
 * Opens ONNX Runtime through its C API, or through onnxruntime-node if the C API cannot be loaded. Does not
 * fall back if `library` or a device was configured explicitly, because that would hide the mistake.
 *
 * @throws ModelError `model_invalid` if the provider is not supported, or the configured library cannot be
 *   loaded.
 */
export async function openRuntime(options: RuntimeOptions): Promise<RuntimeSelection> {
  if (options.provider === 'webgpu') {
    return { runtime: await loadNodeRuntime(options), fallback: 'WebGPU runs through onnxruntime-node' };
  }
  try {
    return { runtime: await openCRuntime(options), fallback: undefined };
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (options.library !== undefined || options.provider !== 'cpu') {
      throw new ModelError(
        'model_invalid',
        'The ONNX Runtime library could not be loaded. Check FRAMELOOM_ORT_LIBRARY, and that koffi is installed.',
        { cause },
      );
    }
    return { runtime: await loadNodeRuntime(options), fallback: `the C API is not available: ${reason}` };
  }
}

/** Imported on demand: it is native code, and most processes do not run a model. */
async function loadNodeRuntime(options: RuntimeOptions): Promise<OrtRuntime> {
  const { openNodeRuntime } = await import('./node-runtime.ts');
  return openNodeRuntime(options);
}
