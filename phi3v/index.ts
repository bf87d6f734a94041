/** Phi-3.5-vision on ONNX Runtime: preprocessing here, the model itself in a process of its own. */
export { ModelError, type ModelErrorCode } from './errors.ts';

export type {
  GenerateOptions,
  GenerateRequest,
  Generation,
  Generator,
  GeneratorInfo,
  ImageFile,
} from './generator.ts';
export { type HdSize, hdSize, imageTokens } from './hd-size.ts';
export { hdTransform, type PaddedImage } from './hd-transform.ts';
export type { RgbImage } from './rgb-image.ts';
export { type ModelHost, type ModelHostOptions, startModelHost } from './host.ts';
export { inspectModelFolder, type ModelFile, type ModelFolderReport } from './inspect-folder.ts';
export type { ModelInfo } from './model.ts';
export { examineRuntime } from './ort/open-runtime.ts';
export { decodePadded, encodePadded } from './padded-file.ts';
export { readPicture } from './picture.ts';
export { pixelValues } from './pixel-values.ts';
export type { PromptPart, Role } from './prompt.ts';
export { connectEndpoint, type EndpointOptions, type RemoteGenerator } from './remote/remote-generator.ts';
export type { Sampling } from './sampling.ts';
export type { FinishReason } from './scheduler.ts';
export {
  CATALOGUE,
  type CatalogueEntry,
  DEFAULT_DTYPES,
  DTYPES,
  type Dtype,
  type Dtypes,
  type FileState,
  type Hub,
  type HubOptions,
  listWeights,
  openHub,
  type PullEvent,
  type Pulled,
  type PullOptions,
  pullWeights,
  readManifest,
  SESSIONS,
  verifyWeights,
  WEIGHTS_ERRORS,
  type WeightSet,
  WeightsError,
  type WeightVariant,
} from './weights/index.ts';
