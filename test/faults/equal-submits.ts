/** The same request, sent 100 times concurrently. */
import { openAsBlob } from 'node:fs';
import { deploy } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { follow, generationProblems } from './support/run-job.ts';

const REQUEST_COUNT = 100;

export const equalSubmits: FaultTest = {
  name: 'equal-submits',
  rule: '100 equal concurrent requests create one job',
  async run(fixture) {
    const workload = await fixture.workload({ segments: 4, imagesPerSegment: 4 });
    await using deployment = await deploy({ env: workload.env });
    const { client } = deployment;
    const { id: file_id } = await client.uploadFile(await openAsBlob(workload.deck), 'deck.pdf');
    const responses = await Promise.allSettled(
      Array.from({ length: REQUEST_COUNT }, (_, index) =>
        client.createSummary(
          { source: { type: 'deck', file_id } },
          // Half of them with an idempotency key; the others are recognized by their content.
          index % 2 === 0 ? { idempotencyKey: 'equal' } : {},
        ),
      ),
    );
    const ids = responses.flatMap((response) => (response.status === 'fulfilled' ? [response.value.id] : []));
    const problems: string[] = [];
    if (ids.length < REQUEST_COUNT) problems.push(`${REQUEST_COUNT - ids.length} requests were rejected`);
    // The requests with the key are one job, those without are another.
    const byKey = new Set(ids.filter((_, index) => index % 2 === 0));
    const byContent = new Set(ids.filter((_, index) => index % 2 === 1));
    if (byKey.size !== 1 || byContent.size !== 1)
      problems.push(`${byKey.size + byContent.size} jobs instead of two`);
    const { data } = await client.listSummaries();
    if (data.length !== byKey.size + byContent.size) problems.push(`${data.length} jobs are listed`);
    let generations = 0;
    for (const id of [...byKey, ...byContent]) {
      const run = await follow(deployment, id);
      if (run.job.status !== 'completed') problems.push(`the job is ${run.job.status}`);
      problems.push(...generationProblems(run.generations));
      generations = run.generations.completed;
    }
    const expected = (await fixture.baseline(workload)).generations.completed;
    if (generations !== expected) problems.push(`${generations} generations instead of ${expected}`);
    return {
      injected: `${REQUEST_COUNT} concurrent requests: 50 with one idempotency key, 50 without`,
      problems,
      redone: `nothing: ${generations} generations for both jobs, as for one`,
    };
  },
};
