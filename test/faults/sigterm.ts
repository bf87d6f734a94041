/** Preempted processes write a checkpoint before they exit. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DeployedProcess, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { differencesFromBaseline, follow, formatRedone, listArtifacts, submit } from './support/run-job.ts';

/** Longest time from SIGTERM to the exit of a process. A spot machine gives 15 s to all of its processes. */
const SHUTDOWN_LIMIT_MS = 10_000;
/** Longest time that child processes may run after their parent has exited. */
const CHILDREN_EXIT_TIMEOUT_MS = 2000;

export const sigterm: FaultTest = {
  name: 'sigterm',
  rule: 'every process writes a checkpoint and exits within 10 s after SIGTERM, and no token is decoded twice',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.baseline(workload);
    await using deployment = await deploy({ env: workload.env });
    const id = await submit(deployment, workload);
    const running = follow(deployment, id);
    const problems: string[] = [];
    const exitTimes: string[] = [];
    const terminateAndCheck = async (deployed: DeployedProcess): Promise<void> => {
      const { exit, milliseconds, children } = await terminate(deployed);
      exitTimes.push(`${deployed.name} ${(milliseconds / 1000).toFixed(1)} s`);
      if (milliseconds > SHUTDOWN_LIMIT_MS)
        problems.push(`the ${deployed.name} took ${milliseconds} ms to exit`);
      if (exit !== 'code 0') problems.push(`the ${deployed.name} ended with ${exit}`);
      if (children > 0) problems.push(`the ${deployed.name} left ${children} child processes`);
    };

    await deployment.waitForLine(({ message }) => message.includes('Activity started'));
    await terminateAndCheck(deployment.process('cpu'));
    await deployment.process('cpu').restart();

    await deployment.waitForLine(
      ({ message, fields }) => message === 'generation progress' && Number(fields.tokens) >= 24,
    );
    await terminateAndCheck(deployment.process('gpu'));
    const checkpoints = (await listArtifacts(deployment, 'checkpoints/')).filter(
      (name) => !name.includes('begun-'),
    );
    if (checkpoints.length === 0) problems.push('no checkpoint was written');
    await deployment.process('gpu').restart();

    await terminateAndCheck(deployment.process('api'));
    await deployment.process('api').restart();
    const run = await running;
    problems.push(...differencesFromBaseline(run, baseline));
    if (run.generations.resumedAttempts < checkpoints.length)
      problems.push('no attempt resumed from one of the checkpoints');
    if (run.generations.redoneTokens > 0)
      problems.push(`${run.generations.redoneTokens} tokens were decoded twice`);
    return {
      injected: `SIGTERM to CPU worker, GPU worker (${checkpoints.length} generations in flight) and API; exited after ${exitTimes.join(', ')}`,
      problems,
      redone: formatRedone(run.generations),
    };
  },
};

export async function terminate(
  deployed: DeployedProcess,
): Promise<{ readonly exit: string; readonly milliseconds: number; readonly children: number }> {
  const children = await deployed.children();
  const began = performance.now();
  deployed.signal('SIGTERM');
  const exit = await deployed.ended;
  const milliseconds = Math.round(performance.now() - began);
  // Children exit when the pipe to their parent closes.
  const deadline = performance.now() + CHILDREN_EXIT_TIMEOUT_MS;
  while (children.some(isAlive) && performance.now() < deadline) await sleep(20);
  return { exit, milliseconds, children: children.filter(isAlive).length };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
