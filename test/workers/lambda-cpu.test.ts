/** The CPU worker as a function: processes that are called as Lambda calls them, on a real server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadSettings } from '../../config/settings.ts';
import type { ShardLine } from '../../schema/batch.ts';
import { batchIdFor, jobIdOfLine, scheduleIdFor } from '../../schema/ids.ts';
import { SummaryRequest } from '../../schema/request.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { batchShardName, scheduleShardName } from '../../store/names.ts';
import { createLambdaCpuWorker } from '../../workers/cpu/lambda-cpu-worker.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';
import { startTemporal } from '../support/temporal.ts';
import type { work } from './lambda-workflow.ts';

const child = fileURLToPath(new URL('lambda-child.ts', import.meta.url));

it('runs activities until its deadline; the next invocation runs the rest and ends when the queue is empty', async () => {
  await using temporal = await startTemporal();
  const home = await mkdtemp(join(tmpdir(), 'frameloom-lambda-'));
  await temporal.runWorkers({
    taskQueue: TASK_QUEUES.workflow,
    workflowsPath: fileURLToPath(new URL('lambda-workflow.ts', import.meta.url)),
  });
  try {
    // One piece of real work: the lines of a schedule become those of a batch.
    const store = createFolderStore(join(home, 'artifacts'));
    const scheduleId = await scheduleIdFor('default', 'one');
    const request = SummaryRequest.parse({ source: { type: 'images', urls: ['https://example.com/a.png'] } });
    const jobId = await jobIdOfLine('default', await batchIdFor('default', 'none'), 'a');
    const line: ShardLine = { line: 1, customId: 'a', jobId, fingerprint: 'f', request };
    await store.put(scheduleShardName(scheduleId, 'in', 0), Buffer.from(JSON.stringify([line])));

    const handle = await temporal.client.workflow.start<typeof work>('work', {
      workflowId: 'work',
      taskQueue: TASK_QUEUES.workflow,
      args: [{ scheduleId, tenant: 'default', input: 'in', shards: 1, firing: 'now' }],
    });
    const env = cleanEnv({ TEMPORAL_ADDRESS: temporal.server.address, FRAMELOOM_HOME: home });
    const invoke = async (...args: string[]): Promise<unknown> => {
      const { code, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', child, ...args], env);
      const told = /^ended (.*)$/m.exec(stdout)?.[1];
      if (code !== 0 || told === undefined) throw new Error(`${code} ${stderr}`);
      return JSON.parse(told);
    };
    expect(await invoke('first', '120000', '1')).toEqual([
      { endedBy: 'deadline', activityAttempts: 2, inTime: true },
    ]);
    // Warm, the same process serves another invocation, which finds nothing to do.
    expect(await invoke('second', '2000', '2')).toEqual([
      { endedBy: 'idle', activityAttempts: 2, inTime: true },
      { endedBy: 'idle', activityAttempts: 0, inTime: true },
    ]);
    const batchId = await batchIdFor('default', 'firing now');
    expect(await handle.result()).toEqual({
      quick: 'first',
      long: { by: 'second', attempt: 2 },
      firing: { batchId },
    });
    const made = JSON.parse(new TextDecoder().decode(await store.bytes(batchShardName(batchId, 'in', 0))));
    expect(made).toEqual([{ ...line, jobId: await jobIdOfLine('default', batchId, 'a') }]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}, 120_000);

it('rejects a timeout that is too short for any work', async () => {
  const prepareActivities = async () => ({ create: () => ({}) });
  const handler = createLambdaCpuWorker(loadSettings({ FRAMELOOM_LOG_LEVEL: 'error' }), {
    prepareActivities,
  });
  await expect(handler({}, { getRemainingTimeInMillis: () => 10_500 })).rejects.toThrow(
    'a timeout of 11 s at least',
  );
});
