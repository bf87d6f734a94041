/** Downloads published model weights to a folder and verifies their checksums. Does not load them. */
export { type CatalogueModel, MODEL_CATALOGUE, type WeightSet, type WeightVariant } from './catalogue.ts';
export { WEIGHTS_ERRORS, WeightsError } from './errors.ts';
export { createHubClient, type HubClient, type HubClientOptions } from './hub.ts';
export { DEFAULT_DTYPES, DTYPES, type Dtype, GRAPH_NAMES, type GraphDtypes, listWeights } from './listing.ts';
export { readManifest } from './manifest.ts';
export { type PullEvent, type PullOptions, type PullSummary, pullWeights } from './pull.ts';
export { type FileState, type VerifyEvent, type VerifyReport, verifyWeights } from './verify.ts';
