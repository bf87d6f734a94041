/**
 * Phi-3.5-vision on ONNX Runtime: image preprocessing, generation with a model in a process of its own
 * (`startModelHost`) or behind an OpenAI-compatible endpoint (`connectEndpoint`), and checks of model folders.
 */
export type {
  FinishReason,
  GenerateOptions,
  GenerateRequest,
  Generation,
  Generator,
  ImageFile,
} from './engine/index.ts';
export { inspectModelFolder, type ModelFile, type ModelFolderReport } from './folder/index.ts';
export { type ModelHost, startModelHost } from './host/index.ts';
export {
  countImageTokens,
  decodeImage,
  decodePaddedImage,
  encodePaddedImage,
  hdTransform,
  hdTransformSize,
  type PaddedImage,
  type RgbImage,
  toPixelValues,
} from './image/index.ts';
export { connectEndpoint, type EndpointOptions, type RemoteGenerator } from './remote/index.ts';
export type { PromptPart, Role, Sampling } from './text/index.ts';
