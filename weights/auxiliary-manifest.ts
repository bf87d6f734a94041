/**
 * `weights.json` in the folder of an auxiliary model: its files and their checksums. It is written last, so
 * a folder that has one is complete.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from './manifest.ts';
import { type VerifyReport, verifyWeights } from './verify.ts';

const MANIFEST = 'weights.json';

const InstalledFile = z.object({
  /** Rejects paths that lead out of the folder. */
  path: z.string().regex(/^\w[\w.-]*$/),
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[\da-f]{64}$/),
});
const Manifest = z.object({ model: z.string(), files: z.array(InstalledFile).nonempty() });

export type InstalledFile = z.infer<typeof InstalledFile>;
/** An installed auxiliary model with its files, those that a conversion made included. */
export type AuxiliaryManifest = z.infer<typeof Manifest>;

/** Returns undefined if the folder has no complete model. Does not throw. */
export async function readAuxiliaryManifest(folder: string): Promise<AuxiliaryManifest | undefined> {
  try {
    return Manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function writeAuxiliaryManifest(folder: string, manifest: AuxiliaryManifest): Promise<void> {
  await writeAtomically(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

export const AUXILIARY_MARKER_FILE = MANIFEST;

/**
 * Returns the state of each file of an installed model.
 *
 * @throws WeightsError `cancelled` when `signal` aborts.
 */
export function verifyAuxiliaryModel(
  folder: string,
  { files }: AuxiliaryManifest,
  signal: AbortSignal,
): Promise<VerifyReport> {
  return verifyWeights(
    folder,
    {
      files: files.map(({ path, bytes, sha256 }) => ({
        path,
        digest: { algorithm: 'sha256', hex: sha256 },
        size: { bytes, exact: true },
      })),
    },
    signal,
  );
}
