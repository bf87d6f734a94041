/** The type of a fault test, and the fixture that all of them share: a folder, seeded randomness, baseline runs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, seededRandom } from '../../world/random.ts';
import { deploy } from './deployment.ts';
import { type Run, summarize } from './run-job.ts';
import { makeWorkload, type Workload, type WorkloadOptions } from './workload.ts';

export interface Outcome {
  /** The faults that were injected. */
  readonly injected: string;
  /** What is missing, wrong or left behind afterwards. Empty if the test passes. */
  readonly problems: readonly string[];
  /** Work that was repeated, and times. */
  readonly redone: string;
  /** Why the test cannot run on this machine. */
  readonly skipped?: string;
}

export interface FaultTest {
  readonly name: string;
  /** The rule under test, in one sentence. */
  readonly rule: string;
  run(fixture: Fixture): Promise<Outcome>;
}

export interface Fixture extends AsyncDisposable {
  /** For files of the tests. Removed after the last one. */
  readonly folder: string;
  readonly seed: number;
  readonly random: Random;
  workload(options: WorkloadOptions): Promise<Workload>;
  /** Returns an undisturbed run of the workload. Each workload runs once. */
  baseline(workload: Workload): Promise<Run>;
}

export async function openFixture(seed: number): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-faults-'));
  const workloads = new Map<string, Promise<Workload>>();
  const runs = new Map<string, Promise<Run>>();
  return {
    folder,
    seed,
    random: seededRandom(seed),
    workload: (options) => memoize(workloads, JSON.stringify(options), () => makeWorkload(folder, options)),
    baseline: (workload) =>
      memoize(runs, workload.name, async () => {
        await using deployment = await deploy({ env: workload.env });
        return await summarize(deployment, workload);
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function memoize<T>(values: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
}
