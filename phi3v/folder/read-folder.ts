import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GENAI_FILES, readGenaiFolder } from './genai-folder.ts';
import type { ModelFolder } from './model-folder.ts';
import { readTransformersFolder, TRANSFORMERS_FILES } from './transformers-folder.ts';

/** The files of the tokenizer, the same in both layouts. */
export const TOKENIZER_FILES = { tokenizer: 'tokenizer.json', config: 'tokenizer_config.json' } as const;

export type Layout = 'genai' | 'transformers.js';

/** The layout of onnxruntime-genai has a `genai_config.json`, that of Transformers.js a folder `onnx`. */
export async function layoutOf(folder: string): Promise<Layout> {
  if (await exists(join(folder, GENAI_FILES.config))) return 'genai';
  return (await exists(join(folder, 'onnx'))) ? 'transformers.js' : 'genai';
}

/** The configuration files of a layout. */
export function configFiles(layout: Layout): readonly string[] {
  return [
    ...Object.values(layout === 'genai' ? GENAI_FILES : TRANSFORMERS_FILES),
    ...Object.values(TOKENIZER_FILES),
  ];
}

/**
 * Reads the configuration of a model folder in either layout.
 *
 * @throws ModelError `model_missing` or `model_invalid`, naming the file.
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const read = (await layoutOf(folder)) === 'genai' ? readGenaiFolder : readTransformersFolder;
  return read(folder);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
