/** Preempted workers: what they have is in the store before they leave. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy, type Member } from './support/deployment.ts';
import type { Drill } from './support/drill.ts';
import { artifacts, follow, losses, redoneTokens, submit } from './support/run.ts';

/** Milliseconds that a process may take to leave. A spot machine gives 15 s, of which some are not ours. */
const BUDGET = 10_000;
/** Milliseconds that what it has started may outlive it. */
const CHILDREN = 2000;

export const sigterm: Drill = {
  name: 'sigterm',
  rule: 'SIGTERM: every process checkpoints and leaves within 10 s, and no token is chosen twice',
  async run(ground) {
    const scene = await ground.scene({ segments: 6, picturesPerSegment: 8 });
    const calm = await ground.undisturbed(scene);
    await using deployment = await deploy({ env: scene.env });
    const id = await submit(deployment, scene);
    const running = follow(deployment, id);
    const lost: string[] = [];
    const took: string[] = [];
    const end = async (member: Member): Promise<void> => {
      const { how, milliseconds, children } = await terminate(member);
      took.push(`${member.name} ${(milliseconds / 1000).toFixed(1)} s`);
      if (milliseconds > BUDGET) lost.push(`the ${member.name} took ${milliseconds} ms to leave`);
      if (how !== 'code 0') lost.push(`the ${member.name} ended with ${how}`);
      if (children > 0) lost.push(`the ${member.name} left ${children} processes behind`);
    };

    await deployment.line(({ message }) => message.includes('Activity started'));
    await end(deployment.member('cpu'));
    await deployment.member('cpu').again();

    await deployment.line(({ message, fields }) => message === 'answer grows' && Number(fields.tokens) >= 24);
    await end(deployment.member('gpu'));
    const checkpoints = (await artifacts(deployment, 'checkpoints/')).filter(
      (name) => !name.includes('begun-'),
    );
    if (checkpoints.length === 0) lost.push('no checkpoint was written');
    await deployment.member('gpu').again();

    await end(deployment.member('api'));
    await deployment.member('api').again();
    const run = await running;
    lost.push(...losses(run, calm));
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
  member: Member,
): Promise<{ readonly how: string; readonly milliseconds: number; readonly children: number }> {
  const before = await member.children();
  const began = performance.now();
  member.signal('SIGTERM');
  const how = await member.ended;
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
