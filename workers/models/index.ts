export {
  bundledProfile,
  findModels,
  type InstalledModel,
  pulledModelsFolder,
  readModel,
  resolveModel,
} from './find-models.ts';
export { askEndpoint, askRuntime } from './model-status.ts';
export { startGenerator, startOwnHost } from './start-generator.ts';
