/** Extracts the characters of a PP-OCR recognition model from its graph. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError, readModelMetadata } from '../onnx/index.ts';

/**
 * Reads the metadata `character` of `rec.onnx` in `folder`, one character per line, writes it as
 * `characters.txt` and returns that name.
 *
 * @throws ModelError `model_invalid` if the graph has no characters.
 */
export async function extractCharacters(folder: string): Promise<readonly string[]> {
  const characters = (await readModelMetadata(join(folder, 'rec.onnx'))).get('character');
  if (!characters) {
    throw new ModelError('model_invalid', 'The recognition model does not contain its characters.');
  }
  const path = join(folder, 'characters.txt');
  await writeFile(`${path}.part`, characters);
  await rename(`${path}.part`, path);
  return ['characters.txt'];
}
