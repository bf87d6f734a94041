import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ModelError } from '../../onnx/index.ts';
import { configFiles, layoutOf, readModelFolder } from './read-folder.ts';

/** A required file of a model folder. `bytes` is its size, undefined if it is missing. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: number | undefined;
}

export interface ModelFolderReport {
  /** Whether all files are there and the configuration is valid. The graphs are not loaded. */
  readonly complete: boolean;
  readonly files: readonly ModelFile[];
  readonly missing: readonly string[];
  /** One or two sentences for users: what was found, or what is missing and how to get it. */
  readonly message: string;
}

const HOW_TO_GET_WEIGHTS =
  'Run `frameloom models pull phi-3.5-vision` to get the weights of Phi-3.5-vision (11 files, 3.2 GB), or copy them from ' +
  'microsoft/Phi-3.5-vision-instruct-onnx on Hugging Face, as docs/models.md says.';

/**
 * Checks which files a model folder has, without loading the model. Missing and invalid files are reported,
 * not thrown.
 *
 * @throws only unexpected errors of the file system.
 */
export async function inspectModelFolder(folder: string): Promise<ModelFolderReport> {
  const files: ModelFile[] = [];
  const add = async (name: string): Promise<boolean> => {
    const bytes = await fileSize(join(folder, name));
    files.push({ name, bytes });
    return bytes !== undefined;
  };
  for (const name of configFiles(await layoutOf(folder))) await add(name);

  let problem: string | undefined;
  try {
    const { vision, embedding, text } = await readModelFolder(folder);
    for (const { file } of [vision, embedding, text]) {
      if (!(await add(file))) continue;
      for (const data of await dataFiles(folder, file)) await add(data);
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
    message: complete ? describeFiles(files) : `${describeProblem(missing, problem)} ${HOW_TO_GET_WEIGHTS}`,
  };
}

function describeFiles(files: readonly ModelFile[]): string {
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  return `All ${files.length} files are present, ${(bytes / 1e6).toFixed(1)} MB.`;
}

function describeProblem(missing: readonly string[], problem: string | undefined): string {
  return missing.length > 0 ? `The model folder has no ${missing.join(', ')}.` : (problem ?? '');
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Files with the external weights of a graph, relative to the folder. ONNX stores their names as plain text.
 */
export async function dataFiles(folder: string, file: string): Promise<readonly string[]> {
  const graph = await readFile(join(folder, file));
  // One file beside the graph or, in the layout of Transformers.js, several numbered ones.
  const endings = ['.data', '_data', ...Array.from({ length: 9 }, (_, i) => `_data_${i + 1}`)];
  return endings.filter((ending) => mentions(graph, basename(file) + ending)).map((ending) => file + ending);
}

/**
 * Whether a graph contains the string `text`: protobuf writes its length before it, in one byte for file
 * names.
 */
function mentions(graph: Buffer, text: string): boolean {
  return graph.includes(Buffer.from([text.length, ...Buffer.from(text)]));
}
