/** Which models there are and where: folders with a `frameloom.json`, named by `FRAMELOOM_MODEL`. */
import { readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FrameloomError } from '../schema/errors.ts';
import { ModelProfile } from '../schema/model-profile.ts';

export interface InstalledModel {
  readonly folder: string;
  readonly profile: ModelProfile;
}

/** The folder that comes with the package: `models/` beside the rooms, also when compiled into `dist/`. */
function bundledFolders(): readonly string[] {
  return ['../models', '../../models'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
}

/** Every model with a profile, whether its weights are there or not. `extra` is `FRAMELOOM_MODELS`. */
export async function findModels(extra?: string): Promise<readonly InstalledModel[]> {
  const models: InstalledModel[] = [];
  for (const parent of extra === undefined ? bundledFolders() : [extra, ...bundledFolders()]) {
    for (const name of (await readdir(parent).catch(() => [])).sort()) {
      const model = await readModel(join(parent, name));
      if (model && !models.some((known) => known.profile.name === model.profile.name)) models.push(model);
    }
  }
  return models;
}

/** The model that settings name, by its name or by the path of its folder. Throws `model_missing`. */
export async function resolveModel(settings: {
  readonly model: string;
  readonly models: string | undefined;
}): Promise<InstalledModel> {
  const { model: wanted } = settings;
  const found =
    isAbsolute(wanted) || wanted.startsWith('.')
      ? await readModel(resolve(wanted))
      : (await findModels(settings.models)).find((model) => model.profile.name === wanted);
  if (!found) {
    throw new FrameloomError(
      'model_missing',
      `There is no model "${wanted}" with a frameloom.json. \`frameloom models list\` shows what there is.`,
    );
  }
  return found;
}

async function readModel(folder: string): Promise<InstalledModel | undefined> {
  const text = await readFile(join(folder, 'frameloom.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : { folder, profile: ModelProfile.parse(JSON.parse(text)) };
}
