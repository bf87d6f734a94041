/** A worker that is started again has its workflows at once. */
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { loadWorkflowBundle } from '../../workers/cpu/workflow-bundle.ts';

it('bundles the workflows once for a state of the sources', async () => {
  const told: LogEntry[] = [];
  const logger = new DefaultLogger('TRACE', (entry) => told.push(entry));
  const first = await loadWorkflowBundle(logger);
  told.length = 0;
  expect(await loadWorkflowBundle(logger)).toEqual(first);
  expect(told).toEqual([]);
}, 60_000);
