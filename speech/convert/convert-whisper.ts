/** Converts a CTranslate2 model of Whisper to ONNX graphs. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCTranslate2File } from './ctranslate2-file.ts';
import { buildWhisperGraphs } from './whisper-graphs.ts';

/**
 * Reads `model.bin` in `folder`, writes `encoder_model.onnx` and `decoder_model_merged.onnx` beside it, and
 * returns their names.
 *
 * @throws ModelError `model_invalid` if the file is not a CTranslate2 model of Whisper with float16 weights.
 */
export async function convertWhisper(folder: string): Promise<readonly string[]> {
  const { encoder, decoder } = buildWhisperGraphs(await readCTranslate2File(join(folder, 'model.bin')));
  const files = { 'encoder_model.onnx': encoder, 'decoder_model_merged.onnx': decoder };
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(folder, `${name}.part`), bytes);
    await rename(join(folder, `${name}.part`), join(folder, name));
  }
  return Object.keys(files);
}
