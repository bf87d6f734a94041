/** R1: any process is killed at any time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { integer, pick, uniform } from '../world/random.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { differencesFromBaseline, formatRedone, summarize } from './support/run-job.ts';

const VICTIMS = ['GPU worker', 'CPU worker', 'model host', 'API', 'Temporal server'] as const;
type Victim = (typeof VICTIMS)[number];

export const kill: FaultTest = {
  name: 'kill',
  rule: 'kill -9 of any process at 20 random points of a job of 100 segments changes no byte of its result',
  run: (fixture) => killAtRandomPoints(fixture, { kills: 20, segments: 100 }),
};

export async function killAtRandomPoints(
  fixture: Fixture,
  { kills, segments }: { readonly kills: number; readonly segments: number },
): Promise<Outcome> {
  const workload = await fixture.workload({ segments, imagesPerSegment: 1 });
  const baseline = await fixture.baseline(workload);
  // Each victim at least once if there are enough kills.
  const victims = Array.from(
    { length: kills },
    (_, index) => VICTIMS[index] ?? pick(fixture.random, VICTIMS),
  );
  const points = Array.from({ length: kills }, () => uniform(fixture.random, 2, 96)).sort((a, b) => a - b);
  await using deployment = await deploy({ env: workload.env });
  const killed: Victim[] = [];
  const run = await summarize(deployment, workload, {
    async onEvent({ progress, type }) {
      while (
        victims.length > 0 &&
        progress.percent >= (points[killed.length] ?? 100) &&
        type !== 'job.completed'
      ) {
        const [victim = 'API'] = victims.splice(integer(fixture.random, 0, victims.length - 1), 1);
        await sleep(uniform(fixture.random, 0, 300));
        await killAndRestart(deployment, victim);
        killed.push(victim);
      }
    },
  });
  const problems = [...differencesFromBaseline(run, baseline)];
  if (killed.length < kills) problems.push(`only ${killed.length} of ${kills} kills happened before the end`);
  const counts = VICTIMS.map((victim) => `${victim} ${killed.filter((name) => name === victim).length}×`);
  return {
    injected: `kill -9 at ${killed.length} random points of ${run.job.result?.segments.length} segments: ${counts.join(', ')}`,
    problems,
    redone: `${formatRedone(run.generations)}; ${Math.round(run.seconds)} s instead of ${Math.round(baseline.seconds)} s`,
  };
}

/** Kills one process and restarts it, as a supervisor would. */
async function killAndRestart(deployment: Deployment, victim: Victim): Promise<void> {
  if (victim === 'Temporal server') {
    await deployment.killTemporal();
    return deployment.startTemporal();
  }
  if (victim === 'model host') {
    // The worker restarts it.
    for (const pid of await deployment.process('gpu').children()) process.kill(pid, 'SIGKILL');
    return;
  }
  const deployed = deployment.process(victim === 'API' ? 'api' : victim === 'CPU worker' ? 'cpu' : 'gpu');
  deployed.signal('SIGKILL');
  await deployed.ended;
  await deployed.restart();
}
