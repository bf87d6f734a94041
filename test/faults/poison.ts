/** Work that kills whoever does it becomes a gap, and nothing beside it does. */
import type { ResultSegment } from '../../schema/result.ts';
import { deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { killOnReading } from './support/preload-faults.ts';
import { eventProblems, follow, generationProblems, type Run, submit } from './support/run-job.ts';

export const poisonHost: FaultTest = {
  name: 'poison-host',
  rule: 'a picture that kills the model process becomes a gap; the pictures beside it are described as ever',
  run: (fixture) => poison(fixture, 'model host'),
};

export const poisonWorker: FaultTest = {
  name: 'poison-worker',
  rule: 'a picture that kills the whole GPU worker, again and again, becomes a gap; the pictures beside it are described as ever',
  run: (fixture) => poison(fixture, 'GPU worker'),
};

async function poison(fixture: Fixture, victim: 'model host' | 'GPU worker'): Promise<Outcome> {
  const workload = await fixture.workload({ segments: 12, imagesPerSegment: 1 });
  const baseline = await fixture.undisturbed(workload);
  const [picture = ''] = baseline.artifacts.filter((name) => name.startsWith('crops/'));
  const env = await killOnReading(fixture.folder, picture, victim);
  await using deployment = await deploy({ env: { ...workload.env, ...env } });
  let deaths = 0;
  let over = false;
  const running = follow(deployment, await submit(deployment, workload));
  const ending = running.then(() => {
    over = true;
  });
  const mending = (async () => {
    let worker = deployment.process('gpu');
    while (victim === 'GPU worker' && !over) {
      await Promise.race([worker.ended, ending]);
      if (over) return;
      deaths += 1;
      worker = await worker.restart();
    }
  })();
  const run = await running;
  await mending;
  if (victim === 'model host')
    deaths = deployment.lines.filter(({ message }) => message === 'model host restarted').length;
  return {
    injected: `one picture of ${workload.segments} kills the ${victim}: it died ${deaths} times`,
    lost: [...onlyOneGap(run, baseline), ...eventProblems(run.events), ...generationProblems(run.answers)],
    redone: `nothing of the other segments; their captions are those of the undisturbed run; ${Math.round(run.seconds)} s`,
  };
}

/** Whatever differs from the baseline run beyond one segment that is a gap. */
function onlyOneGap({ job }: Run, baseline: Run): readonly string[] {
  const lost: string[] = [];
  const { result } = job;
  if (job.status !== 'completed_with_gaps') lost.push(`the job is ${job.status} ${job.error?.code ?? ''}`);
  if (result?.gaps.length !== 1 || result.gaps[0]?.reason !== 'segment_poisoned')
    lost.push(`the gaps are ${JSON.stringify(result?.gaps)}`);
  const gap = result?.gaps[0]?.segment;
  const wanted = (baseline.job.result?.segments ?? []).filter(({ index }) => index !== gap);
  if (said(result?.segments ?? []) !== said(wanted)) lost.push('other segments are not as they were');
  return lost;
}

function said(segments: readonly ResultSegment[]): string {
  return JSON.stringify(segments.map(({ index, caption }) => [index, caption]));
}
