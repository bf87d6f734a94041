/**
 * The rival that everyone writes first: onnxruntime-node with a KV cache that grows, fetched and fed again at every step.
 * `plain.ts FOLDER` prints one line of JSON.
 */
import { join } from 'node:path';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { median } from '../median.ts';
import { likeliest, PROMPT_TOKENS, promptIds, STEPS, sliceConfig, THREADS, timed } from './slice.ts';

const [, , folder = ''] = process.argv;
const config = await sliceConfig(folder);
env.logLevel = 'fatal';
const open = (file: string): Promise<InferenceSession> =>
  InferenceSession.create(join(folder, file), { intraOpNumThreads: THREADS, logSeverityLevel: 4 });
const embedding = await open(config.embedding.file);
const text = await open(config.text.file);
const cache: Record<string, Tensor> = {};

async function run(ids: readonly number[], past: number): Promise<number> {
  const total = past + ids.length;
  const embedded = await embedding.run({
    [config.embedding.inputIds]: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
    [config.embedding.imageFeatures]: new Tensor('float32', new Float32Array(0), [0, config.hiddenSize]),
  });
  const outputs = await text.run({
    ...embedded,
    ...cache,
    [config.text.attentionMask]: new Tensor('int64', new BigInt64Array(total).fill(1n), [1, total]),
  });
  for (const { past: input, present } of config.text.cache) {
    const grown = outputs[present];
    if (grown !== undefined) cache[input] = grown;
  }
  const logits = outputs[config.text.logits]?.data;
  if (!(logits instanceof Float32Array)) throw new Error('no logits');
  return likeliest(logits.subarray(logits.length - logits.length / ids.length));
}

function empty(): void {
  for (const { past } of config.text.cache) {
    cache[past] = new Tensor('float32', new Float32Array(0), [1, config.kvHeads, 0, config.headSize]);
  }
}

empty();
await run(promptIds(16), 0);
empty();
let token = 0;
const prefill = await timed(async () => {
  token = await run(promptIds(PROMPT_TOKENS), 0);
});
const times: number[] = [];
for (let step = 0; step < STEPS; step++) {
  times.push(
    await timed(async () => {
      token = await run([token], PROMPT_TOKENS + step);
    }),
  );
}
console.log(
  JSON.stringify({
    runtime: `onnxruntime-node ${env.versions.node ?? ''}`,
    prefill_s: prefill / 1000,
    step_ms: median(times),
    step_ms_least: Math.min(...times),
  }),
);
