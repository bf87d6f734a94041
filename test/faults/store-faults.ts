/** A bucket that fails at random in several ways, and then completely for some seconds. */

import { type Fault, startFaultProxy } from '../support/fault-proxy.ts';
import { NO_S3_SERVER, startBucket } from '../support/s3-server.ts';
import { type Random, seededRandom } from '../world/random.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { differencesFromBaseline, follow, formatRedone, submit } from './support/run-job.ts';

/** Time in which the bucket returns 503 for every request. */
const OUTAGE_MS = 8000;
/** Longest time until the first tokens, including retries. */
const FIRST_TOKEN_TIMEOUT_MS = 300_000;
/** Probability of each fault, for every request. */
const FAULT_CHANCES: readonly (readonly [number, Fault])[] = [
  [0.03, { kind: 'status', status: 503, code: 'SlowDown' }],
  [0.01, { kind: 'status', status: 500, code: 'InternalError' }],
  [0.01, { kind: 'reset' }],
  [0.01, { kind: 'lost-response' }],
];
/** Additional faults of GET requests. */
const READ_FAULT_CHANCES: readonly (readonly [number, Fault])[] = [
  [0.02, { kind: 'truncated', bytes: 20 }],
  [0.01, { kind: 'truncated', bytes: 100_000 }],
  [0.02, { kind: 'flipped' }],
];

export const storeFaults: FaultTest = {
  name: 'store-faults',
  rule: 'a bucket that returns 5xx, drops connections, loses responses, cuts bodies and changes bytes delays a job and changes nothing else',
  async run(fixture) {
    if (NO_S3_SERVER !== undefined)
      return { injected: 'nothing', problems: [], redone: 'nothing', skipped: NO_S3_SERVER };
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.baseline(workload);
    await using bucket = await startBucket();
    await using proxy = await startFaultProxy(bucket.options.endpoint);
    const env = { ...workload.env, ...bucket.env, FRAMELOOM_S3_ENDPOINT: proxy.endpoint };
    await using deployment = await deploy({ env });
    const id = await submit(deployment, workload);
    const faults = new Map<string, number>();
    const random = seededRandom(fixture.seed);
    let outageEnds = 0;
    proxy.plan = ({ method }) => {
      const isOutage = performance.now() < outageEnds;
      const fault = isOutage ? FAULT_CHANCES[0]?.[1] : chooseFault(random, method);
      if (fault !== undefined) faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1);
      return fault;
    };
    const supervisor = restartOnExit(deployment);
    const running = follow(deployment, id);
    // If the job ends first, the comparison below reports it.
    await Promise.race([
      deployment.waitForLine(({ message }) => message === 'generation progress', FIRST_TOKEN_TIMEOUT_MS),
      running,
    ]);
    outageEnds = performance.now() + OUTAGE_MS;
    const run = await running;
    proxy.plan = () => undefined;
    supervisor.stop();
    const restarts =
      supervisor.exits.length === 0 ? '' : `; restarted processes: ${supervisor.exits.join(', ')}`;
    const counts = [...faults].map(([kind, count]) => `${count} × ${kind}`).join(', ');
    return {
      injected: `${counts}, of ${proxy.requests.length} requests, with ${OUTAGE_MS / 1000} s without any response`,
      problems: differencesFromBaseline(run, baseline),
      redone: `${formatRedone(run.generations)}${restarts}`,
    };
  },
};

/** Restarts processes that exit, as a supervisor does, and records their names. */
function restartOnExit(deployment: Deployment): {
  readonly exits: readonly string[];
  readonly stop: () => void;
} {
  const exits: string[] = [];
  let isStopped = false;
  async function watch(name: string): Promise<void> {
    let deployed = deployment.process(name);
    for (;;) {
      await deployed.ended;
      if (isStopped) return;
      exits.push(name);
      const next = await deployed.restart().catch(() => undefined);
      // It may fail to start while the bucket fails; then it is restarted again.
      if (next !== undefined) deployed = next;
    }
  }
  for (const name of ['cpu', 'gpu', 'api']) watch(name).catch(() => undefined); // the job then does not end
  return {
    exits,
    stop: () => {
      isStopped = true;
    },
  };
}

function chooseFault(random: Random, method: string): Fault | undefined {
  let left = random();
  for (const [chance, fault] of method === 'GET'
    ? [...FAULT_CHANCES, ...READ_FAULT_CHANCES]
    : FAULT_CHANCES) {
    if (left < chance) return fault;
    left -= chance;
  }
  return undefined;
}
