/** The same request a hundred times at once. */
import { openAsBlob } from 'node:fs';
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { follow, generationProblems } from './support/run-job.ts';

const SUBMITS = 100;

export const equalSubmits: FaultTest = {
  name: 'equal-submits',
  rule: '100 equal requests at once are one job',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 4, imagesPerSegment: 4 });
    await using deployment = await deploy({ env: workload.env });
    const { client } = deployment;
    const { id: file_id } = await client.uploadFile(await openAsBlob(workload.deck), 'deck.pdf');
    const answers = await Promise.allSettled(
      Array.from({ length: SUBMITS }, (_, index) =>
        client.createSummary(
          { source: { type: 'deck', file_id } },
          // By its key, and without one by its content.
          index % 2 === 0 ? { idempotencyKey: 'equal' } : {},
        ),
      ),
    );
    const ids = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.id] : []));
    const lost: string[] = [];
    if (ids.length < SUBMITS) lost.push(`${SUBMITS - ids.length} requests were refused`);
    // One key is one name for a job, the content another.
    const byKey = new Set(ids.filter((_, index) => index % 2 === 0));
    const byContent = new Set(ids.filter((_, index) => index % 2 === 1));
    if (byKey.size !== 1 || byContent.size !== 1)
      lost.push(`${byKey.size + byContent.size} jobs instead of two`);
    const { data } = await client.listSummaries();
    if (data.length !== byKey.size + byContent.size) lost.push(`${data.length} jobs are listed`);
    let made = 0;
    for (const id of [...byKey, ...byContent]) {
      const run = await follow(deployment, id);
      if (run.job.status !== 'completed') lost.push(`the job is ${run.job.status}`);
      lost.push(...generationProblems(run.answers));
      made = run.answers.made;
    }
    const wanted = (await fixture.undisturbed(workload)).answers.made;
    if (made !== wanted) lost.push(`${made} answers instead of ${wanted}`);
    return {
      injected: `${SUBMITS} requests at once: 50 with one idempotency key, 50 without`,
      lost,
      redone: `nothing: ${made} answers for both jobs, as for one`,
    };
  },
};
