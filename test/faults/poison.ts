/** Work that kills whoever does it becomes a gap, and nothing beside it does. */
import type { ResultSegment } from '../../schema/result.ts';
import { deploy } from './support/deployment.ts';
import type { Drill, Ground, Outcome } from './support/drill.ts';
import { killedBy } from './support/preload.ts';
import { answerLosses, eventLosses, follow, type Run, submit } from './support/run.ts';

export const poisonHost: Drill = {
  name: 'poison-host',
  rule: 'a picture that kills the model process becomes a gap; the pictures beside it are described as ever',
  run: (ground) => poison(ground, 'model host'),
};

export const poisonWorker: Drill = {
  name: 'poison-worker',
  rule: 'a picture that kills the whole GPU worker, again and again, becomes a gap; the pictures beside it are described as ever',
  run: (ground) => poison(ground, 'GPU worker'),
};

async function poison(ground: Ground, victim: 'model host' | 'GPU worker'): Promise<Outcome> {
  const scene = await ground.scene({ segments: 12, picturesPerSegment: 1 });
  const calm = await ground.undisturbed(scene);
  const [picture = ''] = calm.artifacts.filter((name) => name.startsWith('crops/'));
  const env = await killedBy(ground.folder, picture, victim);
  await using deployment = await deploy({ env: { ...scene.env, ...env } });
  let deaths = 0;
  let over = false;
  const running = follow(deployment, await submit(deployment, scene));
  const ending = running.then(() => {
    over = true;
  });
  const mending = (async () => {
    let worker = deployment.member('gpu');
    while (victim === 'GPU worker' && !over) {
      await Promise.race([worker.ended, ending]);
      if (over) return;
      deaths += 1;
      worker = await worker.again();
    }
  })();
  const run = await running;
  await mending;
  if (victim === 'model host')
    deaths = deployment.lines.filter(({ message }) => message === 'model host starts anew').length;
  return {
    injected: `one picture of ${scene.segments} kills the ${victim}: it died ${deaths} times`,
    lost: [...onlyOneGap(run, calm), ...eventLosses(run.events), ...answerLosses(run.answers)],
    redone: `nothing of the other segments; their captions are those of the undisturbed run; ${Math.round(run.seconds)} s`,
  };
}

/** Whatever differs from the calm run beyond one segment that is a gap. */
function onlyOneGap({ job }: Run, calm: Run): readonly string[] {
  const lost: string[] = [];
  const { result } = job;
  if (job.status !== 'completed_with_gaps') lost.push(`the job is ${job.status} ${job.error?.code ?? ''}`);
  if (result?.gaps.length !== 1 || result.gaps[0]?.reason !== 'segment_poisoned')
    lost.push(`the gaps are ${JSON.stringify(result?.gaps)}`);
  const gap = result?.gaps[0]?.segment;
  const wanted = (calm.job.result?.segments ?? []).filter(({ index }) => index !== gap);
  if (said(result?.segments ?? []) !== said(wanted)) lost.push('other segments are not as they were');
  return lost;
}

function said(segments: readonly ResultSegment[]): string {
  return JSON.stringify(segments.map(({ index, caption }) => [index, caption]));
}
