/** Artifacts whose bytes are changed on disk. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobEvent } from '../../schema/events.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { follow, listArtifacts, type Run, submit } from './support/run-job.ts';
import type { Workload } from './support/workload.ts';

/** Which artifacts are damaged, and the event at which one of them exists and is still needed. */
const TARGETS: readonly {
  readonly prefix: string;
  readonly when: JobEvent['type'];
  /** This worker starts after the damage. */
  readonly without?: 'gpu';
}[] = [
  { prefix: 'crops/', when: 'plan.ready', without: 'gpu' },
  { prefix: 'generations/', when: 'segment.completed' },
];

export const damage: FaultTest = {
  name: 'damage',
  rule: 'artifacts whose bytes are changed on disk are detected and rebuilt',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 12, imagesPerSegment: 1 });
    const baseline = await fixture.baseline(workload);
    const problems: string[] = [];
    const outcomes: string[] = [];
    for (const { prefix, when, without } of TARGETS) {
      const run = await runWithDamage(workload, prefix, when, without);
      const { job } = run;
      outcomes.push(`${prefix.slice(0, -1)}: ${describeEnd(run)}`);
      const isSame = job.result_sha256 === baseline.job.result_sha256;
      if (job.status !== 'completed') problems.push(`${prefix}: ${describeEnd(run)}`);
      else if (!isSame) problems.push(`${prefix}: completed with other bytes`);
    }
    return {
      injected: `one artifact of each of ${TARGETS.map(({ prefix }) => prefix.slice(0, -1)).join(', ')} overwritten while it was needed`,
      problems,
      redone: outcomes.join('; '),
    };
  },
};

async function runWithDamage(
  workload: Workload,
  prefix: string,
  when: JobEvent['type'],
  without: 'gpu' | undefined,
): Promise<Run> {
  await using deployment = await deploy({
    env: workload.env,
    roles: without === undefined ? ['api', 'cpu', 'gpu'] : ['api', 'cpu'],
  });
  let isDamaged = false;
  const id = await submit(deployment, workload);
  return await follow(deployment, id, {
    async onEvent({ type }) {
      if (isDamaged || type !== when) return;
      isDamaged = true;
      await overwrite(deployment, prefix);
      if (without !== undefined) await deployment.start(without);
    },
  });
}

/** Inverts every bit in the middle half of the first artifact with this prefix. */
async function overwrite(deployment: Deployment, prefix: string): Promise<void> {
  const [name = ''] = await listArtifacts(deployment, prefix);
  const path = join(deployment.home, 'artifacts', ...name.split('/'), 'data');
  const bytes = await readFile(path);
  const [from, to] = [bytes.length >> 2, (bytes.length >> 2) * 3];
  for (let at = from; at < to; at += 1) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}

function describeEnd({ job }: Run): string {
  const gaps = job.result?.gaps.map(({ reason }) => reason) ?? [];
  return [job.status, ...(job.error ? [job.error.code] : []), ...new Set(gaps)].join(' ');
}
