/** Stands in for the real workflow where only the order of its GPU work matters. */
import { proxyActivities } from '@temporalio/workflow';
import type { SummarizeInput } from '../../schema/stages.ts';

const { work } = proxyActivities<{ work(jobId: string): Promise<void> }>({
  taskQueue: 'gpu',
  startToCloseTimeout: '1m',
});

export async function summarize({ jobId }: SummarizeInput): Promise<void> {
  await work(jobId);
}
