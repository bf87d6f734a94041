/** Workers of two builds at once: one of them was made for another model than the job. */
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { follow, losses, redoneTokens, submit } from './support/run-job.ts';
import { modelOfOtherRevision } from './support/workload.ts';

export const twoBuilds: FaultTest = {
  name: 'two-builds',
  rule: 'GPU workers of two builds poll the same queue: the job is done by the one it was planned for, with its bytes',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.undisturbed(workload);
    await using deployment = await deploy({ env: workload.env, roles: ['api', 'cpu'] });
    await deployment.start('gpu', {
      name: 'gpu-new',
      env: await modelOfOtherRevision(fixture.folder, workload),
    });
    const running = follow(deployment, await submit(deployment, workload));
    // Only the wrong one is there: it refuses what it gets.
    await deployment.waitForLine(
      ({ processName, fields }) =>
        processName === 'gpu-new' && JSON.stringify(fields).includes('was planned for'),
    );
    await deployment.start('gpu');
    const run = await running;
    const lost = [...losses(run, baseline)];
    const wrong = deployment.lines.filter(
      ({ processName, message }) => processName === 'gpu-new' && message.startsWith('generation'),
    );
    if (wrong.length > 0) lost.push('the wrong build was asked for answers');
    const refused = deployment.lines.filter(
      ({ processName, message }) => processName === 'gpu-new' && message === 'Activity failed',
    );
    return {
      injected: `a GPU worker of another model revision beside the right one; it refused ${refused.length} times`,
      lost,
      redone: redoneTokens(run.answers),
    };
  },
};
