/** Workers of two builds at once: one of them was made for another model than the job. */
import { deploy } from './support/deployment.ts';
import type { Drill } from './support/drill.ts';
import { follow, losses, redoneTokens, submit } from './support/run.ts';
import { otherRevision } from './support/scene.ts';

export const twoBuilds: Drill = {
  name: 'two-builds',
  rule: 'GPU workers of two builds poll the same queue: the job is done by the one it was planned for, with its bytes',
  async run(ground) {
    const scene = await ground.scene({ segments: 6, picturesPerSegment: 8 });
    const calm = await ground.undisturbed(scene);
    await using deployment = await deploy({ env: scene.env, roles: ['api', 'cpu'] });
    await deployment.start('gpu', { name: 'gpu-new', env: await otherRevision(ground.folder, scene) });
    const running = follow(deployment, await submit(deployment, scene));
    // Only the wrong one is there: it refuses what it gets.
    await deployment.line(
      ({ member, fields }) => member === 'gpu-new' && JSON.stringify(fields).includes('was planned for'),
    );
    await deployment.start('gpu');
    const run = await running;
    const lost = [...losses(run, calm)];
    const wrong = deployment.lines.filter(
      ({ member, message }) => member === 'gpu-new' && message.startsWith('answer'),
    );
    if (wrong.length > 0) lost.push('the wrong build was asked for answers');
    const refused = deployment.lines.filter(
      ({ member, message }) => member === 'gpu-new' && message === 'Activity failed',
    );
    return {
      injected: `a GPU worker of another model revision beside the right one; it refused ${refused.length} times`,
      lost,
      redone: redoneTokens(run.answers),
    };
  },
};
