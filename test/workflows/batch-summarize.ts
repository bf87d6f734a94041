/** The real batch workflow, and a job that does what its own request tells: what the window decides, without any summarizing. */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  proxyLocalActivities,
  sleep,
  upsertMemo,
} from '@temporalio/workflow';
import type { JobMemo } from '../../schema/job.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import type { SummarizeInput } from '../../schema/stages.ts';

export { batch } from '../../workflows/batch.ts';
export { fireBatch } from '../../workflows/fire-batch.ts';

const { requestOf } = proxyLocalActivities<{ requestOf(jobId: string): Promise<SummaryRequest> }>({
  startToCloseTimeout: '10s',
});

/** `metadata.do`: `fail`, `wait` (until cancelled), `vanish` (ends without a word, by its time limit), or nothing. */
export async function summarize({ jobId }: SummarizeInput): Promise<void> {
  const request = await requestOf(jobId);
  const what = request.metadata?.do;
  upsertMemo({ startedAt: '2026-01-01T00:00:00.000Z' });
  if (what === 'wait') {
    try {
      await condition(() => false);
    } catch (error) {
      await CancellationScope.nonCancellable(async () => upsertMemo({ outcome: { status: 'cancelled' } }));
      throw error;
    }
  }
  await sleep(Number(request.metadata?.milliseconds ?? 5));
  if (what === 'fail') {
    const error = {
      code: 'no_pages',
      message: 'The deck has no pages.',
      hint: '',
      retryable: false,
    } as const;
    upsertMemo({ outcome: { status: 'failed', error } satisfies JobMemo['outcome'] });
    throw ApplicationFailure.nonRetryable(error.message, error.code);
  }
  upsertMemo({ outcome: { status: 'completed' } satisfies JobMemo['outcome'] });
}
