import { ModelError } from '../../onnx/index.ts';

export function generationCancelled(cause?: unknown): ModelError {
  return new ModelError('cancelled', 'The generation was cancelled.', { cause });
}

export function hostClosed(): ModelError {
  return new ModelError('cancelled', 'The model host was closed.');
}
