/** Pulls weights into the folder of models, and finds the published checksums of installed models. */
import { join } from 'node:path';
import type { Settings } from '../../../config/settings.ts';
import {
  createHubClient,
  DEFAULT_DTYPES,
  GRAPH_NAMES,
  type GraphDtypes,
  listWeights,
  MODEL_CATALOGUE,
  type PullEvent,
  type PullOptions,
  type PullSummary,
  pullWeights,
  readManifest,
  type WeightSet,
  type WeightVariant,
} from '../../../weights/index.ts';
import {
  bundledProfile,
  type InstalledModel,
  pulledModelsFolder,
  readModel,
} from '../../../workers/models/index.ts';

/** One variant of one model. */
export interface WeightSelection {
  /** The model's name in the catalogue. */
  readonly model: string;
  readonly variant: WeightVariant;
  /** Dtype of each graph, for variants with a choice of dtypes. */
  readonly dtypes: GraphDtypes;
}

/**
 * Returns the name of the model folder, which is also the value of FRAMELOOM_MODEL. The first variant has
 * the name of the model; other variants and non-default dtypes are appended, so that all can be installed
 * side by side.
 */
export function installedName({ model, variant, dtypes }: WeightSelection): string {
  if (MODEL_CATALOGUE.some((entry) => entry.variants[0] === variant)) return model;
  const name = `${model}-${variant.name}`;
  if (
    variant.kind === 'pinned' ||
    GRAPH_NAMES.every((session) => dtypes[session] === DEFAULT_DTYPES[session])
  ) {
    return name;
  }
  const chosen = GRAPH_NAMES.map((session) => dtypes[session]);
  return `${name}-${new Set(chosen).size === 1 ? chosen[0] : chosen.join('-')}`;
}

/** Returns the folder that `pullModel` writes to. */
export function installationFolder(choice: WeightSelection, settings: Settings): string {
  return join(pulledModelsFolder(settings), installedName(choice));
}

export interface PullModelOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: PullEvent) => void;
  /** Called with the reason when the list of files is requested again. */
  readonly onWait: (message: string) => void;
}

/** Downloads weights and profile to the folder where `findModels` finds them. Throws WeightsError. */
export async function pullModel(
  choice: WeightSelection,
  settings: Settings,
  { signal, onEvent, onWait }: PullModelOptions,
): Promise<PullSummary> {
  const { variant, dtypes } = choice;
  await using hub = createHubClient({
    endpoint: settings.hfEndpoint,
    token: settings.hfToken,
    proxy: { http: settings.httpProxy, https: settings.httpsProxy, no: settings.noProxy },
  });
  const set: WeightSet =
    variant.kind === 'pinned'
      ? variant
      : await listWeights(variant, hub, {
          dtypes,
          signal,
          onRetry: ({ error }) => onWait(error.message),
        });
  const folder = installationFolder(choice, settings);
  // Edits of an earlier profile are kept, except for the origin of the weights.
  const earlier = await readModel(folder).catch(() => undefined);
  const profile = {
    ...(earlier?.profile ?? (await bundledProfile(choice.model))),
    name: installedName(choice),
    revision: set.revision,
    download: {
      repository: set.repository,
      revision: set.revision,
      folder: variant.kind === 'pinned' ? variant.folder : '',
    },
  };
  const options: PullOptions = {
    hub,
    signal,
    onEvent,
    extraFiles: { 'frameloom.json': `${JSON.stringify(profile, null, 2)}\n` },
    saveManifest: variant.kind === 'listed',
  };
  // Awaited here, because the connections are closed when this function returns.
  return await pullWeights(set, folder, options);
}

/**
 * Returns the published files and checksums of an installed model: from the catalogue if its profile names
 * a folder of it, else as the server listed them when they were pulled. Undefined for models without
 * published checksums.
 */
export async function findPublishedWeights({
  folder,
  profile,
}: InstalledModel): Promise<WeightSet | undefined> {
  const { download } = profile;
  for (const variant of MODEL_CATALOGUE.flatMap(({ variants }) => variants)) {
    if (
      variant.kind === 'pinned' &&
      variant.repository === download?.repository &&
      variant.revision === download.revision &&
      variant.folder === download.folder
    ) {
      return variant;
    }
  }
  return readManifest(folder);
}
