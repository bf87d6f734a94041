import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { ModelError } from '../../onnx/index.ts';

/**
 * Reads a JSON file of a model folder and validates it with `schema`.
 *
 * @throws ModelError `model_missing` or `model_invalid`, naming the file.
 */
export async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(join(folder, name), 'utf8');
  } catch (cause) {
    throw new ModelError('model_missing', `The model folder has no readable ${name}.`, { cause });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelError('model_invalid', `${name} of the model folder is malformed.`, { cause });
  }
}
