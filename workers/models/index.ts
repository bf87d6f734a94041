export {
  bundledProfile,
  findModels,
  type InstalledModel,
  pulledModelsFolder,
  readModel,
  resolveModel,
} from './find-models.ts';
export { checkEndpoint, describeRuntime } from './model-status.ts';
export { startGenerator, startLocalGenerator } from './start-generator.ts';
