/** What a test is, and what fault tests share: a folder, seeded chance, and undisturbed runs to compare with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, seededRandom } from '../../world/random.ts';
import { deploy } from './deployment.ts';
import { type Run, summarize } from './run-job.ts';
import { makeWorkload, type Workload, type WorkloadOptions } from './workload.ts';

export interface Outcome {
  /** What was done to the system. */
  readonly injected: string;
  /** What is missing, wrong or left behind afterwards. Must be nothing. */
  readonly lost: readonly string[];
  /** What had to be done twice, and how long things took. */
  readonly redone: string;
  /** Why the test could not be held on this machine. */
  readonly skipped?: string;
}

export interface FaultTest {
  readonly name: string;
  /** One sentence: the rule that is put to the test. */
  readonly rule: string;
  run(fixture: Fixture): Promise<Outcome>;
}

export interface Fixture extends AsyncDisposable {
  /** For what a test makes; removed at the end of all fault tests. */
  readonly folder: string;
  readonly seed: number;
  readonly random: Random;
  workload(options: WorkloadOptions): Promise<Workload>;
  /** The run of a workload that nobody disturbs, made once. */
  undisturbed(workload: Workload): Promise<Run>;
}

export async function openFixture(seed: number): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-faults-'));
  const workloads = new Map<string, Promise<Workload>>();
  const runs = new Map<string, Promise<Run>>();
  return {
    folder,
    seed,
    random: seededRandom(seed),
    workload: (options) => once(workloads, JSON.stringify(options), () => makeWorkload(folder, options)),
    undisturbed: (workload) =>
      once(runs, workload.name, async () => {
        await using deployment = await deploy({ env: workload.env });
        return await summarize(deployment, workload);
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = made.get(key) ?? make();
  made.set(key, value);
  return value;
}
