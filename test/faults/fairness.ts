/** R17: a one-minute video is submitted while a backfill of 10,000 lines occupies every worker. */
import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEvent } from '../../schema/events.ts';
import { makeVideo } from '../world/video.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { uploadImages } from './support/upload-images.ts';

const POLL_MS = 500;
const IMAGE_COUNT = 20;
/** More than the slots of all workers together, so work of the backfill is always queued. */
const MAX_IN_FLIGHT = 100;
/** The video is submitted once this many lines are done, because every stage is occupied by then. */
const WARM_UP_LINES = 40;
/** R17 allows two segment times of waiting. The segment itself takes the third, because only its end is an event. */
const MAX_SEGMENT_TIMES = 2 + 1;

export const fairness: FaultTest = {
  name: 'fairness',
  rule: 'a one-minute video starts within two segment times while a backfill of 10,000 lines is queued',
  run: (fixture) => runDuringBackfill(fixture, { lines: 10_000 }),
};

export async function runDuringBackfill(
  fixture: Fixture,
  { lines }: { readonly lines: number },
): Promise<Outcome> {
  await using deployment = await deploy();
  const { client } = deployment;
  const baseline = await runVideoJob(deployment, fixture, 1);
  const file = await client.uploadFile(
    new Blob([(await batchLines(deployment, lines)).join('\n')]),
    'lines.jsonl',
    { purpose: 'batch' },
  );
  const { id } = await client.createBatch({
    input_file_id: file.id,
    endpoint: '/v1/summaries',
    max_in_flight: MAX_IN_FLIGHT,
  });
  for (;;) {
    const { completed, failed } = (await client.getBatch(id)).request_counts;
    if (failed > 0) return { injected: '', problems: [`${failed} lines of the backfill failed`], redone: '' };
    if (completed >= WARM_UP_LINES) break;
    await sleep(POLL_MS);
  }
  const busy = await runVideoJob(deployment, fixture, 2);
  const segmentSeconds = baseline.firstSegment;
  const { total, completed } = (await client.getBatch(id)).request_counts;
  await client.cancelBatch(id);
  const problems: string[] = [];
  if (busy.firstSegment > MAX_SEGMENT_TIMES * segmentSeconds)
    problems.push(`the first segment was done ${busy.firstSegment.toFixed(1)} s after the plan`);
  return {
    injected: `${total} lines of a backfill, ${completed} of them done, ${MAX_IN_FLIGHT} in flight; then a one-minute video with normal priority`,
    problems,
    redone:
      `first segment done ${busy.firstSegment.toFixed(1)} s after the plan (alone, which is one segment time: ` +
      `${segmentSeconds.toFixed(1)} s); plan ready after ${busy.planReady.toFixed(1)} s (alone: ${baseline.planReady.toFixed(1)} s), all done after ` +
      `${busy.total.toFixed(1)} s (alone: ${baseline.total.toFixed(1)} s)`,
  };
}

interface JobTimes {
  /** Seconds from the request until its frames were extracted and planned. */
  readonly planReady: number;
  /** Seconds from the plan until the first segment was done. */
  readonly firstSegment: number;
  /** Seconds from the request until the job was completed. */
  readonly total: number;
}

/** Runs a job on a new one-minute video. */
async function runVideoJob({ client }: Deployment, fixture: Fixture, seed: number): Promise<JobTimes> {
  const path = join(fixture.folder, `minute-${seed}.mp4`);
  await makeVideo(path, { seed: 700 + seed, seconds: 60, width: 640, height: 360 });
  const { id: file_id } = await client.uploadFile(await openAsBlob(path), `minute-${seed}.mp4`);
  const { id, created_at } = await client.createSummary({ source: { type: 'video', file_id } });
  const firstTimes = new Map<JobEvent['type'], number>();
  for await (const { type, time } of client.streamEvents(id))
    if (!firstTimes.has(type)) firstTimes.set(type, Date.parse(time));
  const from = Date.parse(created_at);
  const since = (type: JobEvent['type'], start: number): number =>
    ((firstTimes.get(type) ?? Number.POSITIVE_INFINITY) - start) / 1000;
  return {
    planReady: since('plan.ready', from),
    firstSegment: since('segment.completed', firstTimes.get('plan.ready') ?? from),
    total: since('job.completed', from),
  };
}

/** Lines share images, but each has a different prompt, so each needs a generation. */
async function batchLines(deployment: Deployment, lines: number): Promise<readonly string[]> {
  const images = await uploadImages(deployment, IMAGE_COUNT);
  return Array.from({ length: lines }, (_, index) => {
    const source = { type: 'images', file_ids: [images[index % IMAGE_COUNT]] };
    const body = { source, prompt: `What is number ${index}?` };
    return JSON.stringify({ custom_id: `item-${index}`, method: 'POST', url: '/v1/summaries', body });
  });
}
