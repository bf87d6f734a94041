/** The names of preprocessed pictures. */
import { digest } from '../../core/canonical-json.ts';
import { cropsName } from '../../store/names.ts';

/** Part of the name of every preprocessed picture: raise it when the same frame would give other pixels. */
const PREPROCESS_VERSION = 1;

/** What the picture of `frame` for at most `numCrops` crops is called. */
export async function cropsOf(frame: string, numCrops: number): Promise<string> {
  return cropsName(await digest({ version: PREPROCESS_VERSION, frame, numCrops }));
}
