import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGarbageActivities } from '../../activities/index.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import { DEFAULT_LIFETIMES } from '../../store/lifetimes.ts';
import { liveJobs, scheduleCollection } from '../../temporal/grpc/index.ts';
import { createSteppedStore, createWorld } from '../store/scheduled-world.ts';
import { startTemporalServer, type TestServer } from '../support/temporal-server.ts';

const DAY = 86_400_000;
const SCHEDULE = 'frameloom-collect-garbage';

describe('the removal of old artifacts, with Temporal', () => {
  let server: TestServer;
  let connection: Connection;
  let client: Client;
  beforeAll(async () => {
    server = await startTemporalServer();
    connection = await Connection.connect({ address: server.address });
    client = new Client({ connection });
  });
  afterAll(async () => {
    await connection.close();
    await server[Symbol.asyncDispose]();
  });

  it('has one schedule, however many workers make it, and takes a changed interval', async () => {
    await Promise.all([1, 2, 3].map(() => scheduleCollection(connection, 'default', 24)));
    const intervals = async (): Promise<readonly number[]> =>
      (await client.schedule.getHandle(SCHEDULE).describe()).spec.intervals?.map(({ every }) => every) ?? [];
    expect(await intervals()).toEqual([DAY]);
    await client.schedule.getHandle(SCHEDULE).pause('by a person');
    await scheduleCollection(connection, 'default', 6);
    expect(await intervals()).toEqual([DAY / 4]);
    expect((await client.schedule.getHandle(SCHEDULE).describe()).state.paused).toBe(true);
  });

  it('runs as a workflow when the schedule says so, and keeps what the oldest live job may need', async () => {
    const before = Date.now();
    await client.workflow.start('summarize', { workflowId: 'a', taskQueue: 'nobody' });
    await client.workflow.start('summarize', { workflowId: 'b', taskQueue: 'nobody' });
    const live = (): ReturnType<typeof liveJobs> => liveJobs(connection, 'default');
    await expect.poll(async () => (await live()).oldestStart).toBeGreaterThan(before - 2000);
    expect((await live()).oldestStart).toBeLessThanOrEqual(Date.now());
    expect((await live()).retention).toBe(DAY);

    const world = { ...createWorld(1, 0), now: Date.now, turn: async () => undefined };
    const store = createSteppedStore(world);
    const aged = (name: string, age: number) =>
      store.held.set(name, { name, bytes: 3, sha256: '', modified: Date.now() - age });
    aged('crops/old.bin', 8 * DAY);
    aged('crops/young.bin', DAY);
    aged('jobs/sum_1/run/result.json', 40 * DAY);

    const native = await NativeConnection.connect({ address: server.address });
    const activities = createGarbageActivities({ store, lifetimes: DEFAULT_LIFETIMES, liveJobs: live });
    const common = { connection: native, namespace: 'default' };
    const workflowsPath = new URL('../../workflows/index.ts', import.meta.url).pathname;
    const workers = await Promise.all([
      Worker.create({ ...common, workflowsPath, taskQueue: TASK_QUEUES.workflow }),
      Worker.create({ ...common, activities, taskQueue: TASK_QUEUES.cpu }),
    ]);
    const running = workers.map((worker) => worker.run());
    try {
      await client.schedule.getHandle(SCHEDULE).trigger();
      await expect
        .poll(() => [...store.held.keys()].sort(), { timeout: 20_000 })
        .toEqual(['crops/young.bin']);
    } finally {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await native.close();
    }
  });

  it('has no schedule where the setting says so', async () => {
    await scheduleCollection(connection, 'default', 0);
    await scheduleCollection(connection, 'default', 0);
    await expect(client.schedule.getHandle(SCHEDULE).describe()).rejects.toThrow();
  });
});
