/** A job whose processes are killed has the same result bytes as an undisturbed run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobEvent } from '../../schema/events.ts';
import type { Job } from '../../schema/job.ts';
import { makeDeck } from '../world/deck.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

const KEY = 'the same in every home, so that the job has the same id';
let folder: string;
let deck: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-fault-'));
  deck = join(folder, 'deck.pdf');
  await makeDeck(deck, { seed: 41, pages: 30 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Victim = Parameters<TestSystem['pid']>[0];

/** Runs a job in a new home. Each of `kills` kills a process after a number of events of a type. */
async function run(
  kills: readonly {
    readonly after: JobEvent['type'];
    readonly count: number;
    readonly victim: Victim;
  }[] = [],
): Promise<{ readonly job: Job; readonly events: readonly JobEvent[]; readonly killed: readonly Victim[] }> {
  await using system = await startSystem();
  const { id } = await system.client.createSummary(
    { source: { type: 'deck', file_id: await system.upload(deck) } },
    { idempotencyKey: KEY },
  );
  const eventCounts = new Map<string, number>();
  const killed: Victim[] = [];
  const followed = await follow(system, id, async ({ type }) => {
    eventCounts.set(type, (eventCounts.get(type) ?? 0) + 1);
    for (const { after, count, victim } of kills) {
      if (type !== after || eventCounts.get(type) !== count) continue;
      process.kill(await system.pid(victim), 'SIGKILL');
      killed.push(victim);
    }
  });
  return { ...followed, killed };
}

describe('a job whose processes are killed', () => {
  it('has the same result bytes after kills of CPU worker, model host, GPU worker and Temporal server in turn', async () => {
    const baseline = await run();
    expect(baseline.job.status).toBe('completed');
    const disturbed = await run([
      { after: 'frames.extracted', count: 1, victim: 'CPU worker' },
      { after: 'segment.completed', count: 1, victim: 'model host' },
      { after: 'segment.completed', count: 2, victim: 'GPU worker' },
      { after: 'segment.completed', count: 4, victim: 'Temporal server' },
    ]);
    expect(disturbed.killed).toEqual(['CPU worker', 'model host', 'GPU worker', 'Temporal server']);
    expect(disturbed.job.id).toBe(baseline.job.id);
    expect(disturbed.job.result).toEqual(baseline.job.result);
    expect(disturbed.job.result_sha256).toBe(baseline.job.result_sha256);
    expect(disturbed.events.map(({ id }) => id)).toEqual(disturbed.events.map((_, index) => index));
  }, 600_000);
});
