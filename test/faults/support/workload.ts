/** The workload of fault tests: a deck of drawn slides, and a profile of the tiny model that sets the size of segments. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../cli/package-root.ts';
import { makeDeck } from '../../world/deck.ts';

export interface Workload {
  readonly name: string;
  readonly deck: string;
  /** Settings of all processes. */
  readonly env: Readonly<Record<string, string>>;
  readonly segments: number;
}

export interface WorkloadOptions {
  readonly segments: number;
  /** Images per prompt. Each adds about 18 tokens to the generation. */
  readonly imagesPerSegment: number;
  readonly seed?: number;
}

/** Creates the deck and the profile in `folder`. */
export async function makeWorkload(folder: string, options: WorkloadOptions): Promise<Workload> {
  const { segments, imagesPerSegment, seed = 41 } = options;
  const name = `${segments}x${imagesPerSegment}-${seed}`;
  const deck = join(folder, `${name}.pdf`);
  await mkdir(folder, { recursive: true });
  await makeDeck(deck, { seed, pages: segments * imagesPerSegment });
  const model = await createModelWithProfile(folder, imagesPerSegment);
  return { name, deck, segments, env: { FRAMELOOM_MODEL: model } };
}

/** Returns settings of a worker whose model has a different revision than that of the workload. */
export async function copyModelWithOtherRevision(
  folder: string,
  workload: Workload,
): Promise<Readonly<Record<string, string>>> {
  const model = join(folder, `${workload.name}-other`);
  await cp(workload.env.FRAMELOOM_MODEL ?? '', model, { recursive: true });
  const path = join(model, 'frameloom.json');
  const profile = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>; // written by this repository
  await writeFile(path, JSON.stringify({ ...profile, revision: 'another' }));
  return { FRAMELOOM_MODEL: model };
}

/** Copies the tiny model with a profile of `imagesPerPrompt` images per prompt. Returns the folder. */
async function createModelWithProfile(folder: string, imagesPerPrompt: number): Promise<string> {
  const tiny = join(packageRoot(), 'models', 'tiny-phi3v');
  const model = join(folder, `tiny-${imagesPerPrompt}`);
  await mkdir(model, { recursive: true });
  await cp(tiny, model, { recursive: true });
  const path = join(model, 'frameloom.json');
  const profile = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>; // written by this repository
  await writeFile(
    path,
    JSON.stringify({
      ...profile,
      revision: `${String(profile.revision)}-${imagesPerPrompt}`,
      images_per_prompt: { '1': imagesPerPrompt },
      merge: { captions: Math.max(4, imagesPerPrompt), parts: 2 },
    }),
  );
  return model;
}
