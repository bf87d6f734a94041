/** R18: a job is queued before any worker runs. */
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { differencesFromBaseline, follow, submit } from './support/run-job.ts';

export const noWorkers: FaultTest = {
  name: 'no-workers',
  rule: 'a job is accepted without any worker, and starts when workers start',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 4, imagesPerSegment: 4 });
    const baseline = await fixture.baseline(workload);
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
    const problems = [...differencesFromBaseline(run, baseline)];
    if (status !== 'queued') problems.push(`without a worker the job was ${status}`);
    return {
      injected: 'a job submitted without any worker; CPU worker, then GPU worker started later',
      problems,
      redone: 'nothing',
    };
  },
};
