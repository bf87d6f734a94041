/** R18: the queue holds work before there is anybody to do it. */
import { deploy } from './support/deployment.ts';
import type { Drill } from './support/drill.ts';
import { follow, losses, submit } from './support/run.ts';

export const noWorkers: Drill = {
  name: 'no-workers',
  rule: 'with empty queues and no worker a job is accepted, and starts by itself when workers come',
  async run(ground) {
    const scene = await ground.scene({ segments: 4, picturesPerSegment: 4 });
    const calm = await ground.undisturbed(scene);
    await using deployment = await deploy({ env: scene.env, roles: ['api'] });
    const id = await submit(deployment, scene);
    const { status } = await deployment.client.getSummary(id);
    const running = follow(deployment, id);
    await deployment.start('cpu');
    await deployment.line(({ member, message }) => member === 'cpu' && message === 'Activity completed');
    await deployment.start('gpu');
    const run = await running;
    const lost = [...losses(run, calm)];
    if (status !== 'queued') lost.push(`without a worker the job was ${status}`);
    return {
      injected: 'a job submitted without any worker; CPU worker, then GPU worker started later',
      lost,
      redone: 'nothing',
    };
  },
};
