/** The orchestrator is gone for longer than it takes to give every worker up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { follow, losses, redoneTokens, submit } from './support/run-job.ts';

/** Seconds. Activities that have not been heard of for 6 s count as lost. */
const OUTAGE_SECONDS = 16;

export const temporalOutage: FaultTest = {
  name: 'temporal-outage',
  rule: 'the Temporal server is killed for longer than the heartbeat timeout and comes back on its SQLite file',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.undisturbed(workload);
    await using deployment = await deploy({ env: workload.env });
    const running = follow(deployment, await submit(deployment, workload));
    await deployment.waitForLine(
      ({ message, fields }) => message === 'generation progress' && Number(fields.tokens) >= 16,
    );
    await deployment.killTemporal();
    await sleep(OUTAGE_SECONDS * 1000);
    await deployment.startTemporal();
    const run = await running;
    return {
      injected: `Temporal server gone for ${OUTAGE_SECONDS} s (heartbeat timeout 6 s) while answers were made`,
      lost: losses(run, baseline),
      redone: redoneTokens(run.answers),
    };
  },
};
