export { type FloatData, type FloatType, toFloats } from './half.ts';
export { asModelError, ModelError, type ModelErrorCode } from './model-error.ts';
export { examineRuntime, openRuntime } from './open-runtime.ts';
export type { Graph, NamedTensor, OrtRuntime, Provider, RuntimeOptions } from './runtime.ts';
export { ELEMENT_BYTES, newData, type Tensor, type TensorData } from './tensor.ts';
