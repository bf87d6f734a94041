/** Jobs under way when a worker is updated: the workflows still decide what they decided when the histories were recorded. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, expect, it } from 'vitest';

const folder = new URL('histories/', import.meta.url);
const files = (await readdir(folder)).filter((file) => file.endsWith('.json.gz')).sort();

type Bundle = Awaited<ReturnType<typeof bundleWorkflowCode>>;

function bundleOf(path: string): Promise<Bundle> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(path, import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
}

async function replay(workflowBundle: Bundle, file: string): Promise<void> {
  const history: unknown = JSON.parse(gunzipSync(await readFile(new URL(file, folder))).toString());
  await Worker.runReplayHistory({ workflowBundle }, history, file);
}

let current: Bundle;
let changed: Bundle;

beforeAll(async () => {
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  [current, changed] = await Promise.all([
    bundleOf('../../workflows/index.ts'),
    bundleOf('changed-workflows.ts'),
  ]);
}, 120_000);

it('holds each way that jobs, batches, firings and estimates can take', () => {
  const ways = [
    'completed',
    'retried',
    'gap',
    'budget',
    'failed-at-ingest',
    'cancelled-describing',
    'continued',
    'continued-2',
  ];
  for (const way of ways) expect(files).toContain(`summarize-${way}.json.gz`);
  for (const way of ['completed', 'cancelled', 'retried', 'continued', 'continued-2'])
    expect(files).toContain(`batch-${way}.json.gz`);
  for (const other of ['fire-batch-completed', 'estimate-completed', 'estimate-failed'])
    expect(files).toContain(`${other}.json.gz`);
  expect(files).toContain('collect-garbage-completed.json.gz');
});

it.each(files)('the workflows as they are replay %s', async (file) => {
  await replay(current, file);
});

it.each(['summarize-completed', 'summarize-continued-2', 'batch-completed', 'collect-garbage-completed'])(
  'workflows that begin with another command are refused by %s',
  async (name) => {
    await expect(replay(changed, `${name}.json.gz`)).rejects.toBeInstanceOf(DeterminismViolationError);
  },
);
