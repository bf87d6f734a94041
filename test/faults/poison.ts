/** An image that kills the process that reads it becomes a gap; the other segments do not. */
import type { ResultSegment } from '../../schema/result.ts';
import { deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { killOnRead } from './support/preload-faults.ts';
import { eventProblems, follow, generationProblems, type Run, submit } from './support/run-job.ts';

export const poisonHost: FaultTest = {
  name: 'poison-host',
  rule: 'an image that kills the model host becomes a gap; the other images are described',
  run: (fixture) => poison(fixture, 'model host'),
};

export const poisonWorker: FaultTest = {
  name: 'poison-worker',
  rule: 'an image that repeatedly kills the GPU worker becomes a gap; the other images are described',
  run: (fixture) => poison(fixture, 'GPU worker'),
};

async function poison(fixture: Fixture, victim: 'model host' | 'GPU worker'): Promise<Outcome> {
  const workload = await fixture.workload({ segments: 12, imagesPerSegment: 1 });
  const baseline = await fixture.baseline(workload);
  const [image = ''] = baseline.artifacts.filter((name) => name.startsWith('crops/'));
  const env = await killOnRead(fixture.folder, image, victim);
  await using deployment = await deploy({ env: { ...workload.env, ...env } });
  let deaths = 0;
  let hasEnded = false;
  const running = follow(deployment, await submit(deployment, workload));
  const end = running.then(() => {
    hasEnded = true;
  });
  const restarting = (async () => {
    let worker = deployment.process('gpu');
    while (victim === 'GPU worker' && !hasEnded) {
      await Promise.race([worker.ended, end]);
      if (hasEnded) return;
      deaths += 1;
      worker = await worker.restart();
    }
  })();
  const run = await running;
  await restarting;
  if (victim === 'model host')
    deaths = deployment.lines.filter(({ message }) => message === 'model host restarted').length;
  return {
    injected: `one image of ${workload.segments} kills the ${victim}: it died ${deaths} times`,
    problems: [
      ...differencesBeyondOneGap(run, baseline),
      ...eventProblems(run.events),
      ...generationProblems(run.generations),
    ],
    redone: `nothing of the other segments; their captions are those of the baseline run; ${Math.round(run.seconds)} s`,
  };
}

/** Differences from the baseline run, apart from one segment that became a gap. */
function differencesBeyondOneGap({ job }: Run, baseline: Run): readonly string[] {
  const problems: string[] = [];
  const { result } = job;
  if (job.status !== 'completed_with_gaps')
    problems.push(`the job is ${job.status} ${job.error?.code ?? ''}`);
  if (result?.gaps.length !== 1 || result.gaps[0]?.reason !== 'segment_poisoned')
    problems.push(`the gaps are ${JSON.stringify(result?.gaps)}`);
  const gap = result?.gaps[0]?.segment;
  const expected = (baseline.job.result?.segments ?? []).filter(({ index }) => index !== gap);
  if (captionsOf(result?.segments ?? []) !== captionsOf(expected))
    problems.push('other segments differ from the baseline');
  return problems;
}

function captionsOf(segments: readonly ResultSegment[]): string {
  return JSON.stringify(segments.map(({ index, caption }) => [index, caption]));
}
