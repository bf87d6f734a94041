import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelConfig } from '../../phi3v/model-config.ts';
import { type Graphs, openGraphs } from '../../phi3v/session.ts';
import { TINY } from './support.ts';

const NONE = new Float32Array(0);
const LENGTH = 600;
const IDS = Array.from({ length: LENGTH }, (_, i) => 3 + ((i * 7919) % 250));

let graphs: Graphs;
beforeAll(async () => {
  graphs = await openGraphs(TINY, await readModelConfig(TINY), 1);
});
afterAll(async () => {
  await graphs.close();
});

/** Logits after all of IDS, run in stretches that end at `ends`, each starting `back` tokens before the end of the last. */
async function predict(ends: readonly number[], back: number): Promise<Float32Array> {
  const sequence = graphs.decoder.open(LENGTH, 0);
  let logits: Float32Array = NONE;
  let done = 0;
  for (const end of ends) {
    const start = Math.max(0, done - back);
    if (end < LENGTH) await sequence.append(IDS.slice(start, end), NONE, start);
    else logits = await sequence.predict(IDS.slice(start, end), NONE, start);
    done = end;
  }
  sequence.close();
  return logits;
}

describe('a sequence on onnxruntime-node', () => {
  // What makes a resumed answer equal to an undisturbed one. The cache grows on the way here.
  it('has the very same logits after one prefill, after chunks and after steps of two rows', async () => {
    const whole = await predict([LENGTH], 0);
    const steps = Array.from({ length: LENGTH - 280 }, (_, i) => 281 + i);
    expect(await predict([256, 512, LENGTH], 0)).toEqual(whole);
    expect(await predict([256, 280, ...steps], 1)).toEqual(whole);
  });
});
