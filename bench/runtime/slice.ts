/** What every program of this folder does alike: prompts, medians, and the one line it prints. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelFolder } from '../../phi3v/folder/model-folder.ts';
import { readModelFolder } from '../../phi3v/folder/read-folder.ts';

const TINY = fileURLToPath(new URL('../../models/tiny-phi3v', import.meta.url));

export const PROMPT_TOKENS = 3000;
export const STEPS = 32;
export const THREADS = 2;

/** Ordinary tokens, always the same. */
export const promptIds = (length: number): number[] =>
  Array.from({ length }, (_, i) => 3 + ((i * 7919) % 890));

/** The slice has no processor's file; which one it is does not matter here. */
export async function sliceConfig(slice: string): Promise<ModelFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-slice-'));
  try {
    await cp(join(slice, 'genai_config.json'), join(folder, 'genai_config.json'));
    await cp(join(TINY, 'processor_config.json'), join(folder, 'processor_config.json'));
    return await readModelFolder(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds that `task` takes. */
export async function timed(task: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await task();
  return performance.now() - began;
}

export function likeliest(logits: Float32Array): number {
  return logits.reduce((best, logit, id) => (logit > (logits[best] ?? 0) ? id : best), 0);
}
