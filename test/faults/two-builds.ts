/** GPU workers of two builds, one of which has a different model than the job was planned for. */
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { differencesFromBaseline, follow, formatRedone, submit } from './support/run-job.ts';
import { copyModelWithOtherRevision } from './support/workload.ts';

export const twoBuilds: FaultTest = {
  name: 'two-builds',
  rule: 'when GPU workers of two builds poll the same queue, only the one with the planned model runs the job',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.baseline(workload);
    await using deployment = await deploy({ env: workload.env, roles: ['api', 'cpu'] });
    await deployment.start('gpu', {
      name: 'gpu-new',
      env: await copyModelWithOtherRevision(fixture.folder, workload),
    });
    const running = follow(deployment, await submit(deployment, workload));
    // Only the wrong worker runs; it rejects every activity.
    await deployment.waitForLine(
      ({ processName, fields }) =>
        processName === 'gpu-new' && JSON.stringify(fields).includes('was planned for'),
    );
    await deployment.start('gpu');
    const run = await running;
    const problems = [...differencesFromBaseline(run, baseline)];
    const wrongGenerations = deployment.lines.filter(
      ({ processName, message }) => processName === 'gpu-new' && message.startsWith('generation'),
    );
    if (wrongGenerations.length > 0) problems.push('the wrong build ran generations');
    const rejections = deployment.lines.filter(
      ({ processName, message }) => processName === 'gpu-new' && message === 'Activity failed',
    );
    return {
      injected: `a GPU worker of another model revision beside the right one; it rejected ${rejections.length} activities`,
      problems,
      redone: formatRedone(run.generations),
    };
  },
};
