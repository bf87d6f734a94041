/** Workers whose clocks are fast or slow. */
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { skewClock } from './support/preload-faults.ts';
import { differencesFromBaseline, follow, formatRedone, submit } from './support/run-job.ts';

const SKEW_MINUTES = 10;

export const clockSkew: FaultTest = {
  name: 'clock-skew',
  rule: 'clocks that are 10 minutes fast on one worker and 10 minutes slow on the next change nothing',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.baseline(workload);
    const [fast, slow] = await Promise.all([
      skewClock(fixture.folder, SKEW_MINUTES),
      skewClock(fixture.folder, -SKEW_MINUTES),
    ]);
    await using deployment = await deploy({ env: workload.env, roles: ['api'] });
    await deployment.start('cpu', { env: fast });
    const fastWorker = await deployment.start('gpu', { name: 'gpu-fast', env: fast });
    const running = follow(deployment, await submit(deployment, workload));
    await deployment.waitForLine(
      ({ message, fields }) => message === 'generation progress' && Number(fields.tokens) >= 24,
    );
    // The slow worker resumes from the checkpoints of the fast one.
    fastWorker.signal('SIGTERM');
    await fastWorker.ended;
    await deployment.start('gpu', { name: 'gpu-slow', env: slow });
    const run = await running;
    const problems = [...differencesFromBaseline(run, baseline)];
    if (run.generations.resumedAttempts === 0)
      problems.push('no attempt resumed from a checkpoint of the fast worker');
    return {
      injected: `CPU worker and one GPU worker ${SKEW_MINUTES} min fast, the GPU worker that takes over ${SKEW_MINUTES} min slow`,
      problems,
      redone: formatRedone(run.generations),
    };
  },
};
