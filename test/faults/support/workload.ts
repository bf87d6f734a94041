/** What fault tests summarize: a deck of drawn slides, and a profile of the tiny model that makes segments of a size of their choice. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../cli/package-root.ts';
import { makeDeck } from '../../world/deck.ts';

export interface Workload {
  readonly name: string;
  readonly deck: string;
  /** Settings under which all processes run. */
  readonly env: Readonly<Record<string, string>>;
  readonly segments: number;
}

export interface WorkloadOptions {
  readonly segments: number;
  /** Pictures that one prompt takes. More of them make a longer answer: about 18 tokens each. */
  readonly imagesPerSegment: number;
  readonly seed?: number;
}

/** Makes the deck and the profile in `folder`, once. */
export async function makeWorkload(folder: string, options: WorkloadOptions): Promise<Workload> {
  const { segments, imagesPerSegment, seed = 41 } = options;
  const name = `${segments}x${imagesPerSegment}-${seed}`;
  const deck = join(folder, `${name}.pdf`);
  await mkdir(folder, { recursive: true });
  await makeDeck(deck, { seed, pages: segments * imagesPerSegment });
  const model = await modelWith(folder, imagesPerSegment);
  return { name, deck, segments, env: { FRAMELOOM_MODEL: model } };
}

/** Settings of a worker whose model calls itself another revision than that of the workload. */
export async function modelOfOtherRevision(
  folder: string,
  workload: Workload,
): Promise<Readonly<Record<string, string>>> {
  const model = join(folder, `${workload.name}-other`);
  await cp(workload.env.FRAMELOOM_MODEL ?? '', model, { recursive: true });
  const path = join(model, 'frameloom.json');
  const profile = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>; // a profile of ours
  await writeFile(path, JSON.stringify({ ...profile, revision: 'another' }));
  return { FRAMELOOM_MODEL: model };
}

/** The tiny model under a profile that puts so many pictures into a prompt. */
async function modelWith(folder: string, pictures: number): Promise<string> {
  const tiny = join(packageRoot(), 'models', 'tiny-phi3v');
  const model = join(folder, `tiny-${pictures}`);
  await mkdir(model, { recursive: true });
  await cp(tiny, model, { recursive: true });
  const path = join(model, 'frameloom.json');
  const profile = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>; // a profile of ours
  await writeFile(
    path,
    JSON.stringify({
      ...profile,
      revision: `${String(profile.revision)}-${pictures}`,
      images_per_prompt: { '1': pictures },
      merge: { captions: Math.max(4, pictures), parts: 2 },
    }),
  );
  return model;
}
