/** Workers of two builds beside each other, on a real server. */
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { loadSettings } from '../../config/settings.ts';
import { promoteBuild } from '../../temporal/grpc/deployment.ts';
import { deploymentOptions } from '../../temporal/grpc/index.ts';
import { startTemporal } from '../support/temporal.ts';
import { finish } from './versioned-workflow.ts';

it('a job ends with the build that began it, and new jobs go to the build that was promoted', async () => {
  await using temporal = await startTemporal();
  const { client, server } = temporal;
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('versioned-workflow.ts', import.meta.url)),
  });
  const settingsOf = (build: string) =>
    loadSettings({ TEMPORAL_ADDRESS: server.address, TEMPORAL_WORKER_BUILD_ID: build });
  await temporal.runWorkers(
    ...['one', 'two'].map((build) => ({
      workflowBundle,
      taskQueue: 'workflow',
      activities: { build: async () => build },
      ...deploymentOptions(settingsOf(build)),
    })),
    // A GPU worker without the setting serves both.
    { taskQueue: 'gpu', activities: { model: async () => 'any' } },
  );
  const start = (workflowId: string): Promise<WorkflowHandle> =>
    client.workflow.start('summarize', { workflowId, taskQueue: 'workflow' });
  const { signal } = new AbortController();
  await promoteBuild(settingsOf('one'), signal);
  const old = await start('old');
  await expect.poll(async () => (await old.describe()).historyLength, { timeout: 20_000 }).toBeGreaterThan(8);
  await promoteBuild(settingsOf('two'), signal);
  const young = await start('young');
  for (const handle of [young, old]) await handle.signal(finish);
  expect([await old.result(), await young.result()]).toEqual(['one one any', 'two two any']);
});

it('without a build a worker is of no deployment', () => {
  expect(deploymentOptions(loadSettings({}))).toEqual({});
});

it('promotes nothing where no build is named', async () => {
  await expect(promoteBuild(loadSettings({}), new AbortController().signal)).rejects.toMatchObject({
    code: 'invalid_request',
  });
});
