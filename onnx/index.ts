export { GraphWriter, type ValueInfo } from './graph-writer.ts';
export { type FloatData, type FloatType, toFloats } from './half.ts';
export { forkModelChild, whenModelChildEnded } from './model-child.ts';
export { asModelError, ModelError, type ModelErrorCode } from './model-error.ts';
export { readModelMetadata } from './model-metadata.ts';
export { createModelProcess, type ModelProcess, serveModelProcess } from './model-process.ts';
export { inspectRuntime, openRuntime } from './open-runtime.ts';
export type { Graph, NamedTensor, OrtRuntime, Provider, RuntimeOptions } from './runtime.ts';
export { BYTES_PER_ELEMENT, createTensorData, type Tensor, type TensorData } from './tensor.ts';
