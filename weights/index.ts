/** Weights on their way from a server into a model folder, and their checksums. Knows nothing of how they run. */
export { CATALOGUE, type CatalogueEntry, type WeightSet, type WeightVariant } from './catalogue.ts';
export { WEIGHTS_ERRORS, WeightsError } from './errors.ts';
export { type Hub, type HubOptions, openHub } from './hub.ts';
export { DEFAULT_DTYPES, DTYPES, type Dtype, type Dtypes, listWeights, SESSIONS } from './listing.ts';
export { readManifest } from './manifest.ts';
export { type PullEvent, type Pulled, type PullOptions, pullWeights } from './pull.ts';
export { type FileState, type VerifyEvent, type VerifyReport, verifyWeights } from './verify.ts';
