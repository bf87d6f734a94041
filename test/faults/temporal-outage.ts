/** The Temporal server is down for longer than the heartbeat timeout of every activity. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { differencesFromBaseline, follow, formatRedone, submit } from './support/run-job.ts';

/** Longer than the heartbeat timeout of 6 s. */
const OUTAGE_SECONDS = 16;

export const temporalOutage: FaultTest = {
  name: 'temporal-outage',
  rule: 'a Temporal server that is down for longer than the heartbeat timeout and restarts on its SQLite file changes nothing',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.baseline(workload);
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
      injected: `Temporal server down for ${OUTAGE_SECONDS} s (heartbeat timeout 6 s) during generations`,
      problems: differencesFromBaseline(run, baseline),
      redone: formatRedone(run.generations),
    };
  },
};
