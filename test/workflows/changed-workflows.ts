/** The workflows with a change that breaks jobs under way: what a developer might do without thinking of them. */
import { sleep } from '@temporalio/workflow';
import type { BatchInput } from '../../schema/batch-stages.ts';
import type { SummarizeInput } from '../../schema/stages.ts';
import { batch as unchangedBatch } from '../../workflows/batch.ts';
import { collectGarbage as collect } from '../../workflows/collect-garbage.ts';
import { summarize as unchanged } from '../../workflows/summarize.ts';

export async function summarize(input: SummarizeInput): Promise<void> {
  await sleep(1);
  await unchanged(input);
}

export async function batch(input: BatchInput): Promise<void> {
  await sleep(1);
  await unchangedBatch(input);
}

export async function collectGarbage(): Promise<unknown> {
  await sleep(1);
  return await collect();
}
