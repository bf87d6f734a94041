/**
 * The same with Transformers.js: `transformers-js.mjs JPEG NUM_CROPS ROUNDS`. The package is in the folder that the
 * environment variable RIVAL names: it is no dependency of ours, and is installed when the benchmark runs.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.env.RIVAL, 'package.json'));
const { Phi3VImageProcessor, RawImage } = await import(
  pathToFileURL(require.resolve('@huggingface/transformers')).href
);
const [path, numCrops, rounds] = process.argv.slice(2);
const jpeg = new Blob([readFileSync(path)], { type: 'image/jpeg' });
// preprocessor_config.json of microsoft/Phi-3.5-vision-instruct.
const processor = new Phi3VImageProcessor({
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  num_crops: Number(numCrops),
  num_img_tokens: 144,
  do_convert_rgb: true,
});

const total = [];
for (let round = 0; round < Number(rounds); round++) {
  const begun = cpu();
  await processor([await RawImage.fromBlob(jpeg)], { num_crops: Number(numCrops) });
  total.push(cpu() - begun);
}
console.log(JSON.stringify({ total }));

function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
