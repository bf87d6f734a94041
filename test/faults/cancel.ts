/** Jobs that are cancelled, one in each stage. */

import { openAsBlob } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../cli/package-root.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import { type Deployment, deploy, type LogLine } from './support/deployment.ts';
import type { FaultTest } from './support/fault-test.ts';
import { eventProblems, finalJob } from './support/run-job.ts';
import { makeWorkload } from './support/workload.ts';

/** Longest time from the request to the end of the job. */
const CANCEL_LIMIT_MS = 10_000;
/** Time after the end in which the model must not log anything. */
const IDLE_CHECK_MS = 1000;

interface CancelPoint {
  readonly stage: string;
  /** The job is cancelled at the first event for which this returns true. */
  readonly event?: (event: JobEvent) => boolean;
  /** The job is cancelled at the first log line of the GPU worker for which this returns true. */
  readonly line?: (line: LogLine) => boolean;
  /** Uses a video, whose decoder runs in a separate process, instead of a deck. */
  readonly video?: boolean;
}

const CANCEL_POINTS: readonly CancelPoint[] = [
  { stage: 'ingest', event: ({ type }) => type === 'job.started' },
  { stage: 'extraction of a video', event: ({ type }) => type === 'source.ready', video: true },
  { stage: 'extraction of a deck', event: ({ type }) => type === 'source.ready' },
  { stage: 'preprocessing', event: ({ type }) => type === 'frames.extracted' },
  { stage: 'prefill', line: ({ message }) => message === 'generation started' },
  {
    stage: 'decoding',
    line: ({ message, fields }) => message === 'generation progress' && Number(fields.tokens) >= 8,
  },
  { stage: 'merging', event: ({ type }) => type === 'reduce.started' },
];

export const cancel: FaultTest = {
  name: 'cancel',
  rule: 'a job cancelled in any stage ends within 10 s, stops the model, and leaves no process and no file',
  async run(fixture) {
    const { env } = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    await using deployment = await deploy({ env });
    const problems: string[] = [];
    const durationsMs: number[] = [];
    for (const [index, point] of CANCEL_POINTS.entries()) {
      const request = await newRequest(deployment, fixture.folder, point, index);
      const from = deployment.lines.length;
      const { id } = await deployment.client.createSummary(request);
      const events: JobEvent[] = [];
      let cancelledAt = 0;
      const cancelNow = async (): Promise<void> => {
        if (cancelledAt > 0) return;
        cancelledAt = performance.now();
        await deployment.client.cancelSummary(id);
      };
      const reached = point.line === undefined ? undefined : waitForLineAfter(deployment, from, point.line);
      const following = (async () => {
        for await (const event of deployment.client.streamEvents(id)) {
          events.push(event);
          if (point.event?.(event)) await cancelNow();
        }
      })();
      if (reached !== undefined) await reached.then(cancelNow);
      await following;
      const job = await finalJob(deployment, id);
      const milliseconds = Math.round(performance.now() - cancelledAt);
      durationsMs.push(milliseconds);
      const report = (text: string): void => void problems.push(`${point.stage}: ${text}`);
      if (job.status !== 'cancelled') report(`the job is ${job.status}`);
      if (milliseconds > CANCEL_LIMIT_MS) report(`it took ${milliseconds} ms`);
      for (const text of eventProblems(events)) report(text);
      for (const text of await findLeftovers(deployment)) report(text);
    }
    return {
      injected: `cancelled in ${CANCEL_POINTS.map(({ stage }) => stage).join(', ')}`,
      problems,
      redone: `nothing; ended ${(Math.min(...durationsMs) / 1000).toFixed(1)} to ${(Math.max(...durationsMs) / 1000).toFixed(1)} s after the request`,
    };
  },
};

/** A separate source for every stage, of which nothing is in the store yet. */
async function newRequest(
  { client }: Deployment,
  folder: string,
  { video }: CancelPoint,
  index: number,
): Promise<SummaryRequestInput> {
  if (video) {
    const path = join(packageRoot(), 'samples', 'sample-video.mp4');
    const file = await client.uploadFile(await openAsBlob(path), 'video.mp4');
    return { source: { type: 'video', file_id: file.id }, sampling: { mode: 'fps', fps: 25 } };
  }
  const { deck } = await makeWorkload(folder, { segments: 4, imagesPerSegment: 8, seed: 100 + index });
  const file = await client.uploadFile(await openAsBlob(deck), 'deck.pdf');
  return { source: { type: 'deck', file_id: file.id } };
}

async function waitForLineAfter(
  deployment: Deployment,
  from: number,
  matches: (line: LogLine) => boolean,
): Promise<void> {
  await deployment.waitForLine((line) => deployment.lines.indexOf(line, from) >= from && matches(line));
}

/** Describes processes, model activity and scratch files that are left. */
async function findLeftovers(deployment: Deployment): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of await deployment.process('cpu').children()) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (/ff(mpeg|probe)|soffice/.test(command)) found.push('a media program still runs');
  }
  const before = deployment.lines.length;
  await sleep(IDLE_CHECK_MS);
  if (deployment.lines.slice(before).some(({ message }) => message.startsWith('generation')))
    found.push('the model still generates');
  const scratch = join(deployment.home, 'scratch');
  for (const worker of await readdir(scratch)) {
    const files = await readdir(join(scratch, worker));
    if (files.length > 0) found.push(`${files.length} files in the scratch folder`);
  }
  return found;
}
