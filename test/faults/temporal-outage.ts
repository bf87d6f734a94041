/** The orchestrator is gone for longer than it takes to give every worker up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy } from './support/deployment.ts';
import type { Drill } from './support/drill.ts';
import { follow, losses, redoneTokens, submit } from './support/run.ts';

/** Seconds. Activities that have not been heard of for 6 s count as lost. */
const OUTAGE = 16;

export const temporalOutage: Drill = {
  name: 'temporal-outage',
  rule: 'the Temporal server is killed for longer than the heartbeat timeout and comes back on its SQLite file',
  async run(ground) {
    const scene = await ground.scene({ segments: 6, picturesPerSegment: 8 });
    const calm = await ground.undisturbed(scene);
    await using deployment = await deploy({ env: scene.env });
    const running = follow(deployment, await submit(deployment, scene));
    await deployment.line(({ message, fields }) => message === 'answer grows' && Number(fields.tokens) >= 16);
    await deployment.killTemporal();
    await sleep(OUTAGE * 1000);
    await deployment.startTemporal();
    const run = await running;
    return {
      injected: `Temporal server gone for ${OUTAGE} s (heartbeat timeout 6 s) while answers were made`,
      lost: losses(run, calm),
      redone: redoneTokens(run.answers),
    };
  },
};
