/**
 * `weights.json` in a model folder: what its files have to be, for folders whose checksums came from the server. Written
 * before the first of them, so that a later check needs no network.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { WeightSet } from './catalogue.ts';

const MANIFEST = 'weights.json';

/** Only names inside of the folder. */
const Path = z.string().regex(/^(?:onnx\/)?\w[\w.-]*$/);

const Manifest = z.object({
  repository: z.string(),
  revision: z.string(),
  last: Path,
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

/** Undefined where there is none, or none that can be read. */
export async function readManifest(folder: string): Promise<WeightSet | undefined> {
  try {
    return Manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function writeManifest(folder: string, set: WeightSet): Promise<void> {
  await writeWhole(join(folder, MANIFEST), `${JSON.stringify(set, null, 2)}\n`);
}

/** Never leaves half a file under its name. */
export async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}
