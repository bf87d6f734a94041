/** A worker that was thought dead wakes up when another has done its work. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { artifacts, finalJob, follow, losses, redoneTokens, submit } from './support/run-job.ts';

export const zombie: FaultTest = {
  name: 'zombie',
  rule: 'a GPU worker that is stopped (SIGSTOP) past its timeouts and wakes up (SIGCONT) after another has done its work changes nothing',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    const baseline = await fixture.undisturbed(workload);
    await using deployment = await deploy({ env: workload.env });
    const id = await submit(deployment, workload);
    const running = follow(deployment, id);
    await deployment.waitForLine(
      ({ message, fields }) => message === 'generation progress' && Number(fields.tokens) >= 24,
    );
    const first = deployment.process('gpu');
    first.signalAll('SIGSTOP');
    const held = inHand(deployment, 'gpu');
    await deployment.start('gpu', { name: 'gpu-2' });
    const run = await running;
    const lost = [...losses(run, baseline)];

    const before = await snapshot(deployment);
    const woken = deployment.lines.length;
    first.signalAll('SIGCONT');
    // Every attempt it had in hand comes to an end of its own, whatever it tried to write until then.
    await deployment.waitForLine(() => settled(deployment, woken) >= held);
    first.signal('SIGTERM');
    await first.ended;
    const after = await snapshot(deployment);
    if (before !== after) lost.push('the store has changed');
    const job = await finalJob(deployment, id);
    if (job.result_sha256 !== baseline.job.result_sha256) lost.push('the result has changed');
    const { length } = run.events;
    for await (const event of deployment.client.streamEvents(id, { after: length - 1 }))
      lost.push(`a late event ${event.type}`);
    return {
      injected: `GPU worker stopped with ${held} answers in hand, woken after another worker had finished the job`,
      lost,
      redone: redoneTokens(run.answers),
    };
  },
};

/** Activities that a worker has begun and not ended. */
function inHand({ lines }: Deployment, deployed: string): number {
  return lines.reduce((count, line) => {
    if (line.processName !== deployed) return count;
    return count + (line.message === 'Activity started' ? 1 : isEnd(line.message) ? -1 : 0);
  }, 0);
}

function settled({ lines }: Deployment, from: number): number {
  return lines.slice(from).filter(({ processName, message }) => processName === 'gpu' && isEnd(message))
    .length;
}

function isEnd(message: string): boolean {
  return /^Activity (completed|failed|cancelled)/.test(message);
}

/** Names and hashes of everything in the store. */
async function snapshot(deployment: Deployment): Promise<string> {
  const names = await artifacts(deployment);
  const metas = await Promise.all(
    names.map((name) =>
      readFile(join(deployment.home, 'artifacts', ...name.split('/'), 'meta.json'), 'utf8'),
    ),
  );
  return names.map((name, index) => `${name} ${metas[index]}`).join('\n');
}
