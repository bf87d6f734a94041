export type {
  FinishReason,
  GenerateOptions,
  GenerateRequest,
  Generation,
  Generator,
  ImageFile,
} from './generator.ts';
export { type Model, type ModelInfo, type ModelOptions, openModel } from './model.ts';
