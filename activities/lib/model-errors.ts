/** The codes of core/errors.ts for the errors of the model runtime. */

import type { ErrorCode } from '../../core/errors.ts';
import type { ModelErrorCode } from '../../onnx/index.ts';

export const MODEL_ERRORS: Readonly<Record<ModelErrorCode, ErrorCode>> = {
  model_missing: 'model_missing',
  model_invalid: 'model_missing',
  image_invalid: 'unsupported_media',
  prompt_invalid: 'internal',
  context_exceeded: 'context_exceeded',
  memory_exceeded: 'model_memory_exceeded',
  cancelled: 'unavailable',
  crashed: 'model_crashed',
  runtime: 'model_crashed',
  unavailable: 'model_unavailable',
  rejected: 'model_rejected',
};
