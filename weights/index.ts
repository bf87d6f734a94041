/** Downloads published model weights to a folder and verifies their checksums. Does not load them. */
export {
  AUXILIARY_MODELS,
  type AuxiliaryModel,
  type Purpose,
} from './auxiliary-catalogue.ts';
export { type AuxiliaryManifest, readAuxiliaryManifest, verifyAuxiliaryModel } from './auxiliary-manifest.ts';
export { type CatalogueModel, MODEL_CATALOGUE, type WeightSet, type WeightVariant } from './catalogue.ts';
export { WEIGHTS_ERRORS, WeightsError } from './errors.ts';
export { createHttpClient, type HttpClient } from './http.ts';
export { createHubClient, type HubClient, type HubClientOptions } from './hub.ts';
export { DEFAULT_DTYPES, DTYPES, type Dtype, GRAPH_NAMES, type GraphDtypes, listWeights } from './listing.ts';
export { readManifest } from './manifest.ts';
export { type Registries, readRegistries } from './packages/index.ts';
export type { PullEvent } from './progress.ts';
export { type PullOptions, type PullSummary, pullWeights } from './pull.ts';
export { type PullAuxiliaryOptions, pullAuxiliaryModel } from './pull-auxiliary.ts';
export { type FileState, type VerifyEvent, type VerifyReport, verifyWeights } from './verify.ts';
