/** Which models there are and where: folders with a `frameloom.json`, named by `FRAMELOOM_MODEL`. */
import { readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FrameloomError } from '../../core/errors.ts';
import { ModelProfile } from '../../schema/model-profile.ts';

export interface InstalledModel {
  readonly folder: string;
  readonly profile: ModelProfile;
}

/** The folder that comes with the package: `models/` beside the rooms, also when compiled into `dist/`. */
function bundledModelFolders(): readonly string[] {
  return ['../../models', '../../../models'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
}

/** The settings that say where models lie. */
export interface ModelLocations {
  /** `FRAMELOOM_MODELS`. */
  readonly models: string | undefined;
  readonly home: string;
}

/** Where pulled weights go: `FRAMELOOM_MODELS`, else `models` in the home folder. */
export function pulledModelsFolder({ models, home }: ModelLocations): string {
  return resolve(models ?? join(home, 'models'));
}

/**
 * Every model with a profile, whether its weights are there or not. Of two with one name, the first counts.
 */
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

/** The model that settings name, by its name or by the path of its folder. Throws `model_missing`. */
export async function resolveModel(
  settings: ModelLocations & { readonly model: string },
): Promise<InstalledModel> {
  const { model: wanted } = settings;
  const found =
    isAbsolute(wanted) || wanted.startsWith('.')
      ? await readModel(resolve(wanted))
      : (await findModels(settings)).find((model) => model.profile.name === wanted);
  if (!found) {
    throw new FrameloomError(
      'model_missing',
      `There is no model "${wanted}" with a frameloom.json. \`frameloom models list\` shows what there is.`,
    );
  }
  return found;
}

/**
 * The profile that the package has for a model. Throws where it has none, which would be a broken package.
 */
export async function bundledProfile(name: string): Promise<ModelProfile> {
  for (const parent of bundledModelFolders()) {
    const model = await readModel(join(parent, name));
    if (model) return model.profile;
  }
  throw new Error(`The package has no profile of ${name}.`);
}

/** The model in a folder; undefined where there is no profile. */
export async function readModel(folder: string): Promise<InstalledModel | undefined> {
  const text = await readFile(join(folder, 'frameloom.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : { folder, profile: ModelProfile.parse(JSON.parse(text)) };
}
