/** Phi-3.5-vision on ONNX Runtime: preprocessing here, the model itself in a process of its own. */
export { ModelError, type ModelErrorCode } from './errors.ts';
export type { ImageFeatures } from './features.ts';
export type { FinishReason } from './generate.ts';
export { type HdSize, hdSize, imageTokens } from './hd-size.ts';
export { hdTransform, type PaddedImage, type RgbImage } from './hd-transform.ts';
export { type ModelHost, type ModelHostOptions, startModelHost } from './host.ts';
export { inspectModelFolder, type ModelFile, type ModelFolderReport } from './inspect-folder.ts';
export type { GenerateRequest, Generation, ModelInfo } from './model.ts';
export { readPicture } from './picture.ts';
export { pixelValues } from './pixel-values.ts';
export type { PromptPart } from './prompt.ts';
