/** JPEG → `pixel_values` with `phi3v/`, in a process of its own: `ours.ts JPEG NUM_CROPS ROUNDS` prints what each round took. */
import { readFileSync } from 'node:fs';
import { decodeImage, hdTransform, toPixelValues } from '../../phi3v/index.ts';

const [path = '', numCrops, rounds] = process.argv.slice(2);
const jpeg = readFileSync(path);

const total: number[] = [];
const stages: Record<string, number[]> = { decode: [], 'HD transform': [], 'pixel values': [] };
for (let round = 0; round < Number(rounds); round++) {
  const begun = cpu();
  const image = await decodeImage(jpeg);
  const decoded = cpu();
  const padded = hdTransform(image, Number(numCrops));
  const transformed = cpu();
  toPixelValues(padded);
  const ended = cpu();
  total.push(ended - begun);
  stages.decode?.push(decoded - begun);
  stages['HD transform']?.push(transformed - decoded);
  stages['pixel values']?.push(ended - transformed);
}
console.log(JSON.stringify({ total, stages }));

/** Milliseconds of processor time of all threads of this process, user and system. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
