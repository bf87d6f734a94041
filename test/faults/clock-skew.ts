/** Workers whose clocks are wrong, in both directions. */
import { deploy } from './support/deployment.ts';
import type { Drill } from './support/drill.ts';
import { skewedClock } from './support/preload.ts';
import { follow, losses, redoneTokens, submit } from './support/run.ts';

const MINUTES = 10;

export const clockSkew: Drill = {
  name: 'clock-skew',
  rule: 'clocks that are 10 minutes fast on one worker and 10 minutes slow on the next change nothing',
  async run(ground) {
    const scene = await ground.scene({ segments: 6, picturesPerSegment: 8 });
    const calm = await ground.undisturbed(scene);
    const [fast, slow] = await Promise.all([
      skewedClock(ground.folder, MINUTES),
      skewedClock(ground.folder, -MINUTES),
    ]);
    await using deployment = await deploy({ env: scene.env, roles: ['api'] });
    await deployment.start('cpu', { env: fast });
    const ahead = await deployment.start('gpu', { name: 'gpu-fast', env: fast });
    const running = follow(deployment, await submit(deployment, scene));
    await deployment.line(({ message, fields }) => message === 'answer grows' && Number(fields.tokens) >= 24);
    // What the fast one leaves is taken up by the slow one.
    ahead.signal('SIGTERM');
    await ahead.ended;
    await deployment.start('gpu', { name: 'gpu-slow', env: slow });
    const run = await running;
    const lost = [...losses(run, calm)];
    if (run.answers.resumed === 0) lost.push('no checkpoint of the fast worker was used');
    return {
      injected: `CPU worker and one GPU worker ${MINUTES} min fast, the GPU worker that takes over ${MINUTES} min slow`,
      lost,
      redone: redoneTokens(run.answers),
    };
  },
};
