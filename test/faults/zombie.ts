/** A stopped worker that is resumed after another worker has finished its work. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import {
  differencesFromBaseline,
  finalJob,
  follow,
  formatRedone,
  listArtifacts,
  submit,
} from './support/run-job.ts';

export const zombie: FaultTest = {
  name: 'zombie',
  rule: 'a GPU worker that is stopped (SIGSTOP) past its timeouts and resumed (SIGCONT) after another has done its work changes nothing',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.baseline(workload);
    await using deployment = await deploy({ env: workload.env });
    const id = await submit(deployment, workload);
    const running = follow(deployment, id);
    await deployment.waitForLine(
      ({ message, fields }) => message === 'generation progress' && Number(fields.tokens) >= 24,
    );
    const first = deployment.process('gpu');
    first.signalAll('SIGSTOP');
    const inFlight = countInFlight(deployment, 'gpu');
    await deployment.start('gpu', { name: 'gpu-2' });
    const run = await running;
    const problems = [...differencesFromBaseline(run, baseline)];

    const before = await snapshot(deployment);
    const resumedAt = deployment.lines.length;
    first.signalAll('SIGCONT');
    // Every attempt that was in flight ends, whatever it tries to write before.
    await deployment.waitForLine(() => countEnded(deployment, resumedAt) >= inFlight);
    first.signal('SIGTERM');
    await first.ended;
    const after = await snapshot(deployment);
    if (before !== after) problems.push('the store has changed');
    const job = await finalJob(deployment, id);
    if (job.result_sha256 !== baseline.job.result_sha256) problems.push('the result has changed');
    const { length } = run.events;
    for await (const event of deployment.client.streamEvents(id, { after: length - 1 }))
      problems.push(`a late event ${event.type}`);
    return {
      injected: `GPU worker stopped with ${inFlight} generations in flight, resumed after another worker had finished the job`,
      problems,
      redone: formatRedone(run.generations),
    };
  },
};

/** Number of activities that a worker has started and not ended. */
function countInFlight({ lines }: Deployment, processName: string): number {
  return lines.reduce((count, line) => {
    if (line.processName !== processName) return count;
    return count + (line.message === 'Activity started' ? 1 : isEnd(line.message) ? -1 : 0);
  }, 0);
}

function countEnded({ lines }: Deployment, from: number): number {
  return lines.slice(from).filter(({ processName, message }) => processName === 'gpu' && isEnd(message))
    .length;
}

function isEnd(message: string): boolean {
  return /^Activity (completed|failed|cancelled)/.test(message);
}

/** Names and hashes of all artifacts in the store. */
async function snapshot(deployment: Deployment): Promise<string> {
  const names = await listArtifacts(deployment);
  const metas = await Promise.all(
    names.map((name) =>
      readFile(join(deployment.home, 'artifacts', ...name.split('/'), 'meta.json'), 'utf8'),
    ),
  );
  return names.map((name, index) => `${name} ${metas[index]}`).join('\n');
}
