/**
 * `weights.json` in a model folder: its files and their checksums, if they are not part of the catalogue. It
 * is written before the first file, so that a later verification needs no network.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { WeightSet } from './catalogue.ts';

const MANIFEST = 'weights.json';

/** Rejects paths that lead out of the folder. */
const Path = z.string().regex(/^(?:onnx\/)?\w[\w.-]*$/);

const Manifest = z.object({
  repository: z.string(),
  revision: z.string(),
  markerFile: Path,
  files: z
    .array(
      z.object({
        path: Path,
        source: z.string(),
        digest: z.discriminatedUnion('algorithm', [
          z.object({ algorithm: z.literal('sha256'), hex: z.string() }),
          z.object({ algorithm: z.literal('git-blob'), hex: z.string(), bytes: z.int().nonnegative() }),
        ]),
        size: z.object({ bytes: z.int().nonnegative(), exact: z.boolean() }),
      }),
    )
    .nonempty(),
}) satisfies z.ZodType<WeightSet>;

/** Reads `weights.json`. Returns undefined if it is missing or malformed. Does not throw. */
export async function readManifest(folder: string): Promise<WeightSet | undefined> {
  try {
    return Manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function writeManifest(folder: string, set: WeightSet): Promise<void> {
  await writeAtomically(join(folder, MANIFEST), `${JSON.stringify(set, null, 2)}\n`);
}

/** Writes a file by rename, so that no reader sees a part of it. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}
