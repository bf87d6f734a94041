/** R17: somebody sends a video of a minute while a backfill of 10,000 lines keeps every worker busy. */
import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEvent } from '../../schema/events.ts';
import { makeVideo } from '../world/video.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { uploadImages } from './support/upload-images.ts';

const POLL_MS = 500;
const PICTURES = 20;
/** More than there are slots of workers of all kinds, so that work of the backfill always waits. */
const IN_FLIGHT = 100;
/** Lines done before the job is sent: everything is under way then. */
const WARM = 40;
/** R17, and the segment itself, whose end is what shows. */
const SEGMENTS = 2 + 1;

export const fairness: FaultTest = {
  name: 'fairness',
  rule: 'with a backfill of 10,000 lines queued a job of a minute of video starts within two segment times',
  run: (fixture) => besideBackfill(fixture, { lines: 10_000 }),
};

export async function besideBackfill(
  fixture: Fixture,
  { lines }: { readonly lines: number },
): Promise<Outcome> {
  await using deployment = await deploy();
  const { client } = deployment;
  const baseline = await interactive(deployment, fixture, 1);
  const file = await client.uploadFile(
    new Blob([(await requests(deployment, lines)).join('\n')]),
    'lines.jsonl',
    { purpose: 'batch' },
  );
  const { id } = await client.createBatch({
    input_file_id: file.id,
    endpoint: '/v1/summaries',
    max_in_flight: IN_FLIGHT,
  });
  for (;;) {
    const { completed, failed } = (await client.getBatch(id)).request_counts;
    if (failed > 0) return { injected: '', lost: [`${failed} lines of the backfill failed`], redone: '' };
    if (completed >= WARM) break;
    await sleep(POLL_MS);
  }
  const busy = await interactive(deployment, fixture, 2);
  // What its first segment takes where nobody else wants anything.
  const segment = baseline.queued;
  const { total, completed } = (await client.getBatch(id)).request_counts;
  await client.cancelBatch(id);
  const lost: string[] = [];
  if (busy.queued > SEGMENTS * segment)
    lost.push(`its first segment was done ${busy.queued.toFixed(1)} s after it could begin`);
  return {
    injected: `${total} lines of a backfill, ${completed} of them done, ${IN_FLIGHT} under way; then a video of a minute with normal priority`,
    lost,
    redone:
      `first segment done ${busy.queued.toFixed(1)} s after its pictures were there (alone, which is one segment time: ` +
      `${segment.toFixed(1)} s); pictures there after ${busy.picked.toFixed(1)} s (alone: ${baseline.picked.toFixed(1)} s), all done after ` +
      `${busy.done.toFixed(1)} s (alone: ${baseline.done.toFixed(1)} s)`,
  };
}

interface Course {
  /** Seconds from the request until its pictures were there. */
  readonly picked: number;
  /** Seconds from then until the first segment was done. */
  readonly queued: number;
  /** Seconds from the request until all was done. */
  readonly done: number;
}

/** A video of a minute that nobody has seen, through the deployment. */
async function interactive({ client }: Deployment, fixture: Fixture, seed: number): Promise<Course> {
  const path = join(fixture.folder, `minute-${seed}.mp4`);
  await makeVideo(path, { seed: 700 + seed, seconds: 60, width: 640, height: 360 });
  const { id: file_id } = await client.uploadFile(await openAsBlob(path), `minute-${seed}.mp4`);
  const { id, created_at } = await client.createSummary({ source: { type: 'video', file_id } });
  const at = new Map<JobEvent['type'], number>();
  for await (const { type, time } of client.streamEvents(id))
    if (!at.has(type)) at.set(type, Date.parse(time));
  const from = Date.parse(created_at);
  const since = (type: JobEvent['type'], start: number): number =>
    ((at.get(type) ?? Number.POSITIVE_INFINITY) - start) / 1000;
  return {
    picked: since('plan.ready', from),
    queued: since('segment.completed', at.get('plan.ready') ?? from),
    done: since('job.completed', from),
  };
}

/** Lines share pictures; each asks something else, so that each costs an answer. */
async function requests(deployment: Deployment, lines: number): Promise<readonly string[]> {
  const pictures = await uploadImages(deployment, PICTURES);
  return Array.from({ length: lines }, (_, index) => {
    const source = { type: 'images', file_ids: [pictures[index % PICTURES]] };
    const body = { source, prompt: `What is number ${index}?` };
    return JSON.stringify({ custom_id: `item-${index}`, method: 'POST', url: '/v1/summaries', body });
  });
}
