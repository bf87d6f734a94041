/**
 * Writes samples/: a drawn video and a drawn deck, each with its truth (what is displayed when). Run it after a change of
 * test/world: `node --import tsx scripts/make-samples.ts`. The seeds were chosen: the bundled model describes their images
 * well. Tests draw others.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { makeDeck } from '../test/world/deck.ts';
import { makeVideo } from '../test/world/video.ts';

const VIDEO = { seed: 10, seconds: 75, shots: 11 };
const DECK = { seed: 8, pages: 12 };
/** Samples are in the repository and in the package. */
const MAX_BYTES = 3_000_000;

const folder = fileURLToPath(new URL('../samples/', import.meta.url));
await mkdir(folder, { recursive: true });
await writeTruth('sample-video', await makeVideo(`${folder}sample-video.mp4`, VIDEO));
await writeTruth('sample-deck', await makeDeck(`${folder}sample-deck.pdf`, DECK));
for (const name of ['sample-video.mp4', 'sample-deck.pdf']) {
  const { size } = await stat(folder + name);
  if (size > MAX_BYTES) throw new Error(`${name} is too large: ${size} bytes`);
  console.log(`samples/${name}: ${size} bytes`);
}

async function writeTruth(name: string, truth: object): Promise<void> {
  await writeFile(`${folder}${name}.truth.json`, `${JSON.stringify(truth, null, 2)}\n`);
}
