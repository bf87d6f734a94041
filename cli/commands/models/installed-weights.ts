/** Which weights can be pulled and checked, and under which name workers find them afterwards. */
import { join } from 'node:path';
import type { Settings } from '../../../config/settings.ts';
import {
  CATALOGUE,
  DEFAULT_DTYPES,
  type Dtypes,
  listWeights,
  openHub,
  type PullEvent,
  type Pulled,
  type PullOptions,
  pullWeights,
  readManifest,
  SESSIONS,
  type WeightSet,
  type WeightVariant,
} from '../../../weights/index.ts';
import {
  bundledProfile,
  type InstalledModel,
  pulledModelsFolder,
  readModel,
} from '../../../workers/models/index.ts';

/** One variant of one model: what a person names on the command line. */
export interface WeightSelection {
  /** The model's name in the catalogue. */
  readonly model: string;
  readonly variant: WeightVariant;
  /** Of the graphs, where the variant leaves a choice. */
  readonly dtypes: Dtypes;
}

/**
 * Name of the model folder, and of the model for `FRAMELOOM_MODEL`. The first variant has the model's own name; others, and
 * dtypes other than the default ones, are told apart behind it, so that all can be there at once.
 */
export function installedName({ model, variant, dtypes }: WeightSelection): string {
  if (CATALOGUE.some((entry) => entry.variants[0] === variant)) return model;
  const name = `${model}-${variant.name}`;
  if (variant.kind === 'pinned' || SESSIONS.every((session) => dtypes[session] === DEFAULT_DTYPES[session])) {
    return name;
  }
  const chosen = SESSIONS.map((session) => dtypes[session]);
  return `${name}-${new Set(chosen).size === 1 ? chosen[0] : chosen.join('-')}`;
}

/** Where `pullModel` puts it. */
export function installationFolder(choice: WeightSelection, settings: Settings): string {
  return join(pulledModelsFolder(settings), installedName(choice));
}

export interface PullModelOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: PullEvent) => void;
  /** Something on the way to the first file that is worth a line. */
  readonly onWait: (message: string) => void;
}

/** Fetches the weights into the folder where `findModels` finds them, profile included. Throws WeightsError. */
export async function pullModel(
  choice: WeightSelection,
  settings: Settings,
  { signal, onEvent, onWait }: PullModelOptions,
): Promise<Pulled> {
  const { variant, dtypes } = choice;
  await using hub = openHub({
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
  // What a person has tuned in an earlier profile stays; where the weights are from does not.
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
    beside: { 'frameloom.json': `${JSON.stringify(profile, null, 2)}\n` },
    manifest: variant.kind === 'listed',
  };
  // Awaited here: the connections are closed when this function ends.
  return await pullWeights(set, folder, options);
}

/**
 * What the files of a model have to be: from the catalogue, where the profile names a folder that is in it, else as the server
 * listed them when they were pulled. Undefined where nobody has published it.
 */
export async function findPublishedWeights({
  folder,
  profile,
}: InstalledModel): Promise<WeightSet | undefined> {
  const { download } = profile;
  for (const variant of CATALOGUE.flatMap(({ variants }) => variants)) {
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
