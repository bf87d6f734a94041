import { readFileSync } from 'node:fs';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TINY } from './support.ts';

/** Small models of random weights, one per layout and type; scripts/graphs/small.py writes them. */
export const SMALL = fileURLToPath(new URL('graphs', import.meta.url));

/**
 * - `cpu`: Microsoft's layout, float32, no `position_ids`; the mask's width picks the rope factors.
 * - `gpu`: Microsoft's layout, float16 throughout, `position_ids`; the largest of them picks the rope factors.
 * - `transformers`: the graphs of `cpu` in Transformers.js' layout.
 * - `transformers-f16`: that layout with the suffix `_q4f16`, float16, the text graph's weights in a file of their own.
 */
export type SmallModel = 'cpu' | 'gpu' | 'transformers' | 'transformers-f16';

const TOKENIZER = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];

/**
 * A whole folder of a small model: its graphs with the tiny model's tokenizer, and its processor where the layout has one.
 * Answers run to their length limit, because stop tokens have no chance. The caller removes the folder.
 */
export async function smallModel(name: SmallModel): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `frameloom-${name}-`));
  await cp(join(SMALL, name), folder, { recursive: true });
  const microsoft = name === 'cpu' || name === 'gpu';
  for (const file of microsoft ? [...TOKENIZER, 'processor_config.json'] : TOKENIZER) {
    await cp(join(TINY, file), join(folder, file));
  }
  return folder;
}

interface GoldenCase {
  /** The prompt is `promptIds(seed, length)`. */
  readonly seed: number;
  readonly length: number;
  readonly tokens: readonly number[];
}

/**
 * Greedy answers of a small model, every token from a fresh prefill of all before it (scripts/graphs/golden.py): what a
 * runtime must give whatever it caches, across the switch of the rope factors too.
 */
export function golden(name: SmallModel): readonly GoldenCase[] {
  const cases = JSON.parse(readFileSync(join(SMALL, 'golden.json'), 'utf8')) as Partial<
    Record<SmallModel, GoldenCase[]>
  >; // as the script writes it
  return cases[name === 'transformers' ? 'cpu' : name] ?? [];
}

/** The prompts of the answers above: BOS, then pseudo-random ordinary tokens. */
export function promptIds(seed: number, length: number): number[] {
  const ids = [1];
  for (let state = seed; ids.length < length; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    ids.push(3 + ((state >>> 16) % 880));
  }
  return ids;
}
