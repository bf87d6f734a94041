/** The names of preprocessed images. */
import { digest } from '../../core/canonical-json.ts';
import { cropsName } from '../../store/names.ts';

/** Part of the names of preprocessed images. Increase it when the same frame would give other pixels. */
const PREPROCESS_VERSION = 1;

/** Returns the name of the preprocessed image of `frame` with at most `numCrops` crops. */
export async function cropsOf(frame: string, numCrops: number): Promise<string> {
  return cropsName(frame, await digest({ version: PREPROCESS_VERSION, frame, numCrops }));
}
