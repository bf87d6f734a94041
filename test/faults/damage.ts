/** Artifacts whose bytes change on the disk. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobEvent } from '../../schema/events.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { artifacts, follow, type Run, submit } from './support/run-job.ts';
import type { Workload } from './support/workload.ts';

/** What is damaged, and at which event there is something of it that is still needed. */
const TARGETS: readonly {
  readonly prefix: string;
  readonly when: JobEvent['type'];
  readonly without?: 'gpu';
}[] = [
  { prefix: 'crops/', when: 'plan.ready', without: 'gpu' },
  { prefix: 'generations/', when: 'segment.completed' },
];

export const damage: FaultTest = {
  name: 'damage',
  rule: 'bytes that change on the disk are noticed, and what they were is made again',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 12, imagesPerSegment: 1 });
    const baseline = await fixture.undisturbed(workload);
    const lost: string[] = [];
    const ends: string[] = [];
    for (const { prefix, when, without } of TARGETS) {
      const run = await damaged(workload, prefix, when, without);
      const { job } = run;
      ends.push(`${prefix.slice(0, -1)}: ${endOf(run)}`);
      const same = job.result_sha256 === baseline.job.result_sha256;
      if (job.status !== 'completed') lost.push(`${prefix}: ${endOf(run)}`);
      else if (!same) lost.push(`${prefix}: completed with other bytes`);
    }
    return {
      injected: `one artifact of each of ${TARGETS.map(({ prefix }) => prefix.slice(0, -1)).join(', ')} overwritten while it was needed`,
      lost,
      redone: ends.join('; '),
    };
  },
};

async function damaged(
  workload: Workload,
  prefix: string,
  when: JobEvent['type'],
  without: 'gpu' | undefined,
): Promise<Run> {
  await using deployment = await deploy({
    env: workload.env,
    roles: without === undefined ? ['api', 'cpu', 'gpu'] : ['api', 'cpu'],
  });
  let done = false;
  const id = await submit(deployment, workload);
  return await follow(deployment, id, {
    async onEvent({ type }) {
      if (done || type !== when) return;
      done = true;
      await overwrite(deployment, prefix);
      if (without !== undefined) await deployment.start(without);
    },
  });
}

/** Turns every bit of the middle of the first artifact with that prefix. */
async function overwrite(deployment: Deployment, prefix: string): Promise<void> {
  const [name = ''] = await artifacts(deployment, prefix);
  const path = join(deployment.home, 'artifacts', ...name.split('/'), 'data');
  const bytes = await readFile(path);
  const [from, to] = [bytes.length >> 2, (bytes.length >> 2) * 3];
  for (let at = from; at < to; at += 1) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}

function endOf({ job }: Run): string {
  const gaps = job.result?.gaps.map(({ reason }) => reason) ?? [];
  return [job.status, ...(job.error ? [job.error.code] : []), ...new Set(gaps)].join(' ');
}
