/** Finds installed models: folders with a `frameloom.json`, selected by `FRAMELOOM_MODEL`. */
import { readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FrameloomError } from '../../core/errors.ts';
import { ModelProfile } from '../../schema/model-profile.ts';

export interface InstalledModel {
  readonly folder: string;
  readonly profile: ModelProfile;
}

/** The folder of the package: `models/` beside the modules, or beside `dist/` when compiled. */
function bundledModelFolders(): readonly string[] {
  return ['../../models', '../../../models'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
}

/** The settings for the location of models. */
export interface ModelLocations {
  /** `FRAMELOOM_MODELS`. */
  readonly models: string | undefined;
  readonly home: string;
}

/** Folder of downloaded weights: `FRAMELOOM_MODELS`, by default `models` in the home folder. */
export function pulledModelsFolder({ models, home }: ModelLocations): string {
  return resolve(models ?? join(home, 'models'));
}

/** Returns all models with a profile, with or without weights. Of two with the same name, the first. */
export async function findModels(places: ModelLocations): Promise<readonly InstalledModel[]> {
  const models: InstalledModel[] = [];
  const parents = [pulledModelsFolder(places), join(places.home, 'models'), ...bundledModelFolders()];
  for (const parent of parents) {
    for (const name of (await readdir(parent).catch(() => [])).sort()) {
      const model = await readModel(join(parent, name));
      if (model && !models.some((known) => known.profile.name === model.profile.name)) models.push(model);
    }
  }
  return models;
}

/**
 * Returns the model that the settings select, by its name or by the path of its folder.
 *
 * @throws FrameloomError `model_missing`.
 */
export async function resolveModel(
  settings: ModelLocations & { readonly model: string },
): Promise<InstalledModel> {
  const { model: wanted } = settings;
  const found =
    isAbsolute(wanted) || wanted.startsWith('.')
      ? await readModel(resolve(wanted))
      : (await findModels(settings)).find((model) => model.profile.name === wanted);
  if (!found) {
    throw new FrameloomError('model_missing', `No model "${wanted}" is installed.`);
  }
  return found;
}

/**
 * Returns the profile of a model that the package includes.
 *
 * @throws Error when it has none: the package is incomplete.
 */
export async function bundledProfile(name: string): Promise<ModelProfile> {
  for (const parent of bundledModelFolders()) {
    const model = await readModel(join(parent, name));
    if (model) return model.profile;
  }
  throw new Error(`The package has no profile of ${name}.`);
}

/** Returns the model in a folder; undefined if it has no profile. */
export async function readModel(folder: string): Promise<InstalledModel | undefined> {
  const text = await readFile(join(folder, 'frameloom.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : { folder, profile: ModelProfile.parse(JSON.parse(text)) };
}
