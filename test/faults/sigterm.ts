/** Preempted workers: what they have is in the store before they leave. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DeployedProcess, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { artifacts, follow, losses, redoneTokens, submit } from './support/run-job.ts';

/** Milliseconds that a process may take to leave. A spot machine gives 15 s, of which some are not ours. */
const SHUTDOWN_LIMIT_MS = 10_000;
/** Milliseconds that what it has started may outlive it. */
const CHILDREN = 2000;

export const sigterm: FaultTest = {
  name: 'sigterm',
  rule: 'SIGTERM: every process checkpoints and leaves within 10 s, and no token is chosen twice',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.undisturbed(workload);
    await using deployment = await deploy({ env: workload.env });
    const id = await submit(deployment, workload);
    const running = follow(deployment, id);
    const lost: string[] = [];
    const took: string[] = [];
    const end = async (deployed: DeployedProcess): Promise<void> => {
      const { how, milliseconds, children } = await terminate(deployed);
      took.push(`${deployed.name} ${(milliseconds / 1000).toFixed(1)} s`);
      if (milliseconds > SHUTDOWN_LIMIT_MS)
        lost.push(`the ${deployed.name} took ${milliseconds} ms to leave`);
      if (how !== 'code 0') lost.push(`the ${deployed.name} ended with ${how}`);
      if (children > 0) lost.push(`the ${deployed.name} left ${children} processes behind`);
    };

    await deployment.waitForLine(({ message }) => message.includes('Activity started'));
    await end(deployment.process('cpu'));
    await deployment.process('cpu').restart();

    await deployment.waitForLine(
      ({ message, fields }) => message === 'generation progress' && Number(fields.tokens) >= 24,
    );
    await end(deployment.process('gpu'));
    const checkpoints = (await artifacts(deployment, 'checkpoints/')).filter(
      (name) => !name.includes('begun-'),
    );
    if (checkpoints.length === 0) lost.push('no checkpoint was written');
    await deployment.process('gpu').restart();

    await end(deployment.process('api'));
    await deployment.process('api').restart();
    const run = await running;
    lost.push(...losses(run, baseline));
    if (run.answers.resumed < checkpoints.length) lost.push('a checkpoint was not used');
    if (run.answers.redone > 0) lost.push(`${run.answers.redone} tokens were chosen again`);
    return {
      injected: `SIGTERM to CPU worker, GPU worker (${checkpoints.length} answers under way) and API; left after ${took.join(', ')}`,
      lost,
      redone: redoneTokens(run.answers),
    };
  },
};

export async function terminate(
  deployed: DeployedProcess,
): Promise<{ readonly how: string; readonly milliseconds: number; readonly children: number }> {
  const before = await deployed.children();
  const began = performance.now();
  deployed.signal('SIGTERM');
  const how = await deployed.ended;
  const milliseconds = Math.round(performance.now() - began);
  // They notice that it is gone by the end of a pipe.
  const deadline = performance.now() + CHILDREN;
  while (before.some(isAlive) && performance.now() < deadline) await sleep(20);
  return { how, milliseconds, children: before.filter(isAlive).length };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
