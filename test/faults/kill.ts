/** R1: whatever is killed, whenever. */
import { setTimeout as sleep } from 'node:timers/promises';
import { integer, pick, uniform } from '../world/random.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { Drill, Ground, Outcome } from './support/drill.ts';
import { losses, redoneTokens, summarize } from './support/run.ts';

const VICTIMS = ['GPU worker', 'CPU worker', 'model host', 'API', 'Temporal server'] as const;
type Victim = (typeof VICTIMS)[number];

export const kill: Drill = {
  name: 'kill',
  rule: 'kill -9 of any process at 20 random points of a job of 100 segments changes no byte of its result',
  run: (ground) => killAtRandom(ground, { kills: 20, segments: 100 }),
};

export async function killAtRandom(
  ground: Ground,
  { kills, segments }: { readonly kills: number; readonly segments: number },
): Promise<Outcome> {
  const scene = await ground.scene({ segments, picturesPerSegment: 1 });
  const calm = await ground.undisturbed(scene);
  // Each of them at least once, where there are enough kills.
  const victims = Array.from({ length: kills }, (_, index) => VICTIMS[index] ?? pick(ground.random, VICTIMS));
  const points = Array.from({ length: kills }, () => uniform(ground.random, 2, 96)).sort((a, b) => a - b);
  await using deployment = await deploy({ env: scene.env });
  const killed: Victim[] = [];
  const run = await summarize(deployment, scene, {
    async seen({ progress, type }) {
      while (
        victims.length > 0 &&
        progress.percent >= (points[killed.length] ?? 100) &&
        type !== 'job.completed'
      ) {
        const [victim = 'API'] = victims.splice(integer(ground.random, 0, victims.length - 1), 1);
        await sleep(uniform(ground.random, 0, 300));
        await killOne(deployment, victim);
        killed.push(victim);
      }
    },
  });
  const lost = [...losses(run, calm)];
  if (killed.length < kills) lost.push(`only ${killed.length} of ${kills} kills came before the end`);
  const counts = VICTIMS.map((victim) => `${victim} ${killed.filter((name) => name === victim).length}×`);
  return {
    injected: `kill -9 at ${killed.length} random points of ${run.job.result?.segments.length} segments: ${counts.join(', ')}`,
    lost,
    redone: `${redoneTokens(run.answers)}; ${Math.round(run.seconds)} s instead of ${Math.round(calm.seconds)} s`,
  };
}

/** Kills one process and starts it again, as a supervisor would. */
async function killOne(deployment: Deployment, victim: Victim): Promise<void> {
  if (victim === 'Temporal server') {
    await deployment.killTemporal();
    return deployment.startTemporal();
  }
  if (victim === 'model host') {
    // The worker starts another by itself.
    for (const pid of await deployment.member('gpu').children()) process.kill(pid, 'SIGKILL');
    return;
  }
  const member = deployment.member(victim === 'API' ? 'api' : victim === 'CPU worker' ? 'cpu' : 'gpu');
  member.signal('SIGKILL');
  await member.ended;
  await member.again();
}
