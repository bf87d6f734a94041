import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { createWorkflowActivities } from '../../activities/index.ts';
import { storedEvents } from '../../api/jobs/index.ts';
import { jobIdFor } from '../../schema/ids.ts';
import type { LoggedEvent } from '../../schema/stages.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { eventsName, generationName } from '../../store/names.ts';
import { newMemo } from '../support/requests.ts';

it('writes no title of a chapter before it is checked, also for a workflow that refers to one', async () => {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-events-'));
  try {
    const store = createFolderStore(root);
    const jobId = await jobIdFor('t', 'chapters');
    const generation = generationName('a'.repeat(64));
    const made = { version: 1, kind: 'text', text: 'Blue', lines: ['Blue'], finishReason: 'stop' };
    await store.put(generation, Buffer.from(JSON.stringify(made)));
    const progress = { percent: 90, stage: 'reduce', segments: { total: 1, done: 1, failed: 0 } } as const;
    const chapter = { index: 0, generation };
    const event = {
      id: 1,
      type: 'chapter.completed',
      time: '2026-01-01T00:00:00Z',
      progress,
      chapter,
    } as const;
    const { appendEvents } = createWorkflowActivities({ store });
    await new MockActivityEnvironment().run(appendEvents, { jobId, run: 'r', events: [event] });
    const written = JSON.parse(new TextDecoder().decode(await store.bytes(eventsName(jobId, 'r', 1))));
    expect(written).toEqual([{ ...event, chapter: { index: 0 } }]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

it('loses no event and repeats none when a worker dies between writing a batch and saying so', async () => {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-events-'));
  try {
    const store = createFolderStore(root);
    const jobId = await jobIdFor('t', 'k');
    const event = (id: number): LoggedEvent => ({
      id,
      type: 'job.started',
      time: '2026-01-01T00:00:00Z',
      progress: { percent: id, stage: 'describe', segments: { total: 1, done: 0, failed: 0 } },
    });
    const { appendEvents } = createWorkflowActivities({ store });
    const append = (...numbers: readonly number[]): Promise<unknown> =>
      new MockActivityEnvironment().run(appendEvents, { jobId, run: 'r', events: numbers.map(event) });

    await append(1, 2);
    await append(3);
    await append(3, 4, 5); // the same workflow task again, with what has arrived since
    await append(4); // and once more, by a worker that knows less
    await append(5, 6);

    const record = {
      id: jobId,
      run: 'r',
      state: 'running',
      createdAt: '2026-01-01T00:00:00Z',
      memo: newMemo('t', 'f'),
    } as const;
    const ids: number[] = [];
    for await (const { id } of storedEvents(store, record, -1)) ids.push(id);
    expect(ids).toEqual([0, 1, 2, 3, 4, 5, 6]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
