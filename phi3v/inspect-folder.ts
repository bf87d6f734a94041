import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from './errors.ts';
import { CONFIG_FILES, readModelConfig } from './model-config.ts';

/** A file that a model folder needs. `bytes` is undefined where it is missing. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: number | undefined;
}

export interface ModelFolderReport {
  /** Every file is there and the configuration can be read; the graphs themselves are not loaded. */
  readonly complete: boolean;
  readonly files: readonly ModelFile[];
  readonly missing: readonly string[];
  /** One or two sentences for a person: what is there, or what is missing and how to get it. */
  readonly message: string;
}

/** How to get the published weights. Revision and folder are the ones this runtime was written against. */
const HOW_TO_GET =
  'The weights of Phi-3.5-vision are in the repository microsoft/Phi-3.5-vision-instruct-onnx on Hugging Face, revision ' +
  '672d73375fa86f3d7787e40ac593e33a4f04a055, folder cpu_and_mobile/cpu-int4-rtn-block-32-acc-level-4 (11 files, 3.2 GB): ' +
  'put all of them into the model folder under their own names.';

/** Graphs above 2 GB, and by habit all of these, keep their weights in a second file named after the first. */
const DATA_SUFFIX = '.data';

/**
 * Looks at a model folder in Microsoft's layout without loading the model: for `doctor` and `models list`. Never throws
 * for what it finds there.
 */
export async function inspectModelFolder(folder: string): Promise<ModelFolderReport> {
  const files: ModelFile[] = [];
  const add = async (name: string): Promise<boolean> => {
    const bytes = await fileSize(join(folder, name));
    files.push({ name, bytes });
    return bytes !== undefined;
  };
  for (const name of Object.values(CONFIG_FILES)) await add(name);

  let problem: string | undefined;
  try {
    const config = await readModelConfig(folder);
    for (const { filename } of [config.vision, config.embedding, config.decoder]) {
      if ((await add(filename)) && (await mentions(join(folder, filename), filename + DATA_SUFFIX))) {
        await add(filename + DATA_SUFFIX);
      }
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    problem = error.message;
  }
  const missing = files.filter((file) => file.bytes === undefined).map((file) => file.name);
  const complete = missing.length === 0 && problem === undefined;
  return {
    complete,
    files,
    missing,
    message: complete ? ready(files) : `${lack(missing, problem)} ${HOW_TO_GET}`,
  };
}

function ready(files: readonly ModelFile[]): string {
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  return `All ${files.length} files are there, ${(bytes / 1e6).toFixed(1)} MB.`;
}

function lack(missing: readonly string[], problem: string | undefined): string {
  return missing.length > 0 ? `The model folder lacks ${missing.join(', ')}.` : (problem ?? '');
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a graph names `dataFile`: ONNX stores the location of external weights as plain text. */
async function mentions(path: string, dataFile: string): Promise<boolean> {
  return (await readFile(path)).includes(dataFile);
}
