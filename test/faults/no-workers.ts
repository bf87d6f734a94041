/** R18: the queue holds work before there is anybody to do it. */
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { follow, losses, submit } from './support/run-job.ts';

export const noWorkers: FaultTest = {
  name: 'no-workers',
  rule: 'with empty queues and no worker a job is accepted, and starts by itself when workers come',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 4, imagesPerSegment: 4 });
    const baseline = await fixture.undisturbed(workload);
    await using deployment = await deploy({ env: workload.env, roles: ['api'] });
    const id = await submit(deployment, workload);
    const { status } = await deployment.client.getSummary(id);
    const running = follow(deployment, id);
    await deployment.start('cpu');
    await deployment.waitForLine(
      ({ processName, message }) => processName === 'cpu' && message === 'Activity completed',
    );
    await deployment.start('gpu');
    const run = await running;
    const lost = [...losses(run, baseline)];
    if (status !== 'queued') lost.push(`without a worker the job was ${status}`);
    return {
      injected: 'a job submitted without any worker; CPU worker, then GPU worker started later',
      lost,
      redone: 'nothing',
    };
  },
};
