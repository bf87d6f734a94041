/** A bucket that fails at times in every way, and not at all for a while. */

import { type Fault, startFaultProxy } from '../support/fault-proxy.ts';
import { NO_S3_SERVER, startBucket } from '../support/s3-server.ts';
import { type Random, seededRandom } from '../world/random.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { follow, losses, redoneTokens, submit } from './support/run-job.ts';

/** Milliseconds in which the bucket answers nothing but 503. */
const OUTAGE_MS = 8000;
/** Milliseconds until the first answer: retries take their time. */
const GENERATION_TIMEOUT_MS = 300_000;
/** Of each request. */
const CHANCES: readonly (readonly [number, Fault])[] = [
  [0.03, { kind: 'status', status: 503, code: 'SlowDown' }],
  [0.01, { kind: 'status', status: 500, code: 'InternalError' }],
  [0.01, { kind: 'reset' }],
  [0.01, { kind: 'lost-answer' }],
];
/** Of each request that reads. */
const READ_CHANCES: readonly (readonly [number, Fault])[] = [
  [0.02, { kind: 'truncated', bytes: 20 }],
  [0.01, { kind: 'truncated', bytes: 100_000 }],
  [0.02, { kind: 'flipped' }],
];

export const storeFaults: FaultTest = {
  name: 'store-faults',
  rule: 'a bucket that answers 5xx, drops connections, loses answers, cuts bodies and changes bytes costs time and nothing else',
  async run(fixture) {
    if (NO_S3_SERVER !== undefined)
      return { injected: 'nothing', lost: [], redone: 'nothing', skipped: NO_S3_SERVER };
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.undisturbed(workload);
    await using bucket = await startBucket();
    await using proxy = await startFaultProxy(bucket.options.endpoint);
    const env = { ...workload.env, ...bucket.env, FRAMELOOM_S3_ENDPOINT: proxy.endpoint };
    await using deployment = await deploy({ env });
    const id = await submit(deployment, workload);
    const faults = new Map<string, number>();
    const random = seededRandom(fixture.seed);
    let outageEnds = 0;
    proxy.plan = ({ method }) => {
      const out = performance.now() < outageEnds;
      const fault = out ? CHANCES[0]?.[1] : chosen(random, method);
      if (fault !== undefined) faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1);
      return fault;
    };
    const mending = restartOnExit(deployment);
    const running = follow(deployment, id);
    // Where the job ends before, that is what is lost.
    await Promise.race([
      deployment.waitForLine(({ message }) => message === 'generation progress', GENERATION_TIMEOUT_MS),
      running,
    ]);
    outageEnds = performance.now() + OUTAGE_MS;
    const run = await running;
    proxy.plan = () => undefined;
    mending.stop();
    const died =
      mending.deaths.length === 0
        ? ''
        : `; processes that ended and were started again: ${mending.deaths.join(', ')}`;
    const counts = [...faults].map(([kind, count]) => `${count} × ${kind}`).join(', ');
    return {
      injected: `${counts}, of ${proxy.seen.length} requests, with ${OUTAGE_MS / 1000} s in which none was served`,
      lost: losses(run, baseline),
      redone: `${redoneTokens(run.answers)}${died}`,
    };
  },
};

/** Starts what ends again, as a supervisor does, and tells what that was. */
function restartOnExit(deployment: Deployment): {
  readonly deaths: readonly string[];
  readonly stop: () => void;
} {
  const deaths: string[] = [];
  let over = false;
  async function watch(name: string): Promise<void> {
    let deployed = deployment.process(name);
    for (;;) {
      await deployed.ended;
      if (over) return;
      deaths.push(name);
      const next = await deployed.restart().catch(() => undefined);
      // It may not even start while the bucket fails; the next try is for the same one.
      if (next !== undefined) deployed = next;
    }
  }
  for (const name of ['cpu', 'gpu', 'api']) watch(name).catch(() => undefined); // the job then does not end
  return {
    deaths,
    stop: () => {
      over = true;
    },
  };
}

function chosen(random: Random, method: string): Fault | undefined {
  let left = random();
  for (const [chance, fault] of method === 'GET' ? [...CHANCES, ...READ_CHANCES] : CHANCES) {
    if (left < chance) return fault;
    left -= chance;
  }
  return undefined;
}
