/**
 * Measures the orchestration of a job: time per segment, and what its history contains. The activities return at once. A long job
 * must not cost more per segment than a short one.
 */
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { jobIdFor } from '../../schema/ids.ts';
import type { SummarizeInput } from '../../schema/stages.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import { startTemporal } from '../../test/support/temporal.ts';
import { answers, model } from '../../test/workflows/answers.ts';

const SIZES = [10, 10, 100, 1000] as const;

export async function measureFlat(): Promise<void> {
  await using temporal = await startTemporal();
  const { client } = temporal;
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  let current = answers(1);
  const nothing = async (): Promise<void> => undefined;
  const activities = {
    ...Object.fromEntries(
      Object.keys(current.cpu).map((name) => [name, (input: never) => current.cpu[name as 'plan'](input)]), // names of that object
    ),
    ...Object.fromEntries(
      Object.keys(current.gpu).map((name) => [name, (input: never) => current.gpu[name as 'reduce'](input)]), // likewise
    ),
    appendEvents: nothing,
    storeShard: nothing,
  };
  await temporal.runWorkers(
    ...Object.values(TASK_QUEUES).map((taskQueue) => ({
      taskQueue,
      activities,
      ...(taskQueue === TASK_QUEUES.workflow ? { workflowBundle } : {}),
    })),
  );
  for (const [number, segments] of SIZES.entries()) {
    current = answers(segments * model.maxImages);
    const jobId = await jobIdFor('bench', String(number));
    const input: SummarizeInput = { jobId, tenant: 'bench' };
    const began = performance.now();
    await client.workflow.execute('summarize', {
      workflowId: jobId,
      taskQueue: TASK_QUEUES.workflow,
      args: [input],
    });
    const time = performance.now() - began;
    // The first one warms up.
    if (number > 0)
      console.log(
        `  ${segments} segments: ${(time / 1000).toFixed(2)} s, ${(time / segments).toFixed(1)} ms per segment; ` +
          (await countEvents(client, jobId)),
      );
  }
}

/** Counts the events of the last run of a job: a run of more than about 1,500 events continues in another. */
async function countEvents(client: Client, jobId: string): Promise<string> {
  const { events = [] } = await client.workflow.getHandle(jobId).fetchHistory();
  type Event = NonNullable<typeof events>[number];
  const count = (attributes: keyof Event): number =>
    (events ?? []).filter((event) => event[attributes] != null).length;
  return [
    `${events?.length ?? 0} events`,
    `${count('workflowTaskCompletedEventAttributes')} workflow tasks`,
    `${count('activityTaskScheduledEventAttributes')} activities`,
    `${count('markerRecordedEventAttributes')} local activities`,
    `${count('workflowPropertiesModifiedEventAttributes')} memo changes`,
    `${count('signalExternalWorkflowExecutionInitiatedEventAttributes')} signals`,
  ].join(', ');
}
