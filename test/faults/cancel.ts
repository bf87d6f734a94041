/** A job that nobody wants any more, cancelled in every stage. */

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

/** Milliseconds from the request to the end. */
const CANCEL_LIMIT_MS = 10_000;
/** Milliseconds in which nothing more may come from the model. */
const QUIET_MS = 1000;

interface Moment {
  readonly stage: string;
  /** What of the job, or of the GPU worker, is waited for. */
  readonly event?: (event: JobEvent) => boolean;
  readonly line?: (line: LogLine) => boolean;
  /** A video has a decoder of its own that runs. */
  readonly video?: boolean;
}

const MOMENTS: readonly Moment[] = [
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
  rule: 'a job cancelled in any stage ends within 10 s; no process and no file of it stays, the model stops',
  async run(fixture) {
    const { env } = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
    await using deployment = await deploy({ env });
    const lost: string[] = [];
    const took: number[] = [];
    for (const [index, moment] of MOMENTS.entries()) {
      const request = await requestFor(deployment, fixture.folder, moment, index);
      const from = deployment.lines.length;
      const { id } = await deployment.client.createSummary(request);
      const events: JobEvent[] = [];
      let at = 0;
      const cancelNow = async (): Promise<void> => {
        if (at > 0) return;
        at = performance.now();
        await deployment.client.cancelSummary(id);
      };
      const reached = moment.line === undefined ? undefined : lineAfter(deployment, from, moment.line);
      const following = (async () => {
        for await (const event of deployment.client.streamEvents(id)) {
          events.push(event);
          if (moment.event?.(event)) await cancelNow();
        }
      })();
      if (reached !== undefined) await reached.then(cancelNow);
      await following;
      const job = await finalJob(deployment, id);
      const milliseconds = Math.round(performance.now() - at);
      took.push(milliseconds);
      const say = (text: string): void => void lost.push(`${moment.stage}: ${text}`);
      if (job.status !== 'cancelled') say(`the job is ${job.status}`);
      if (milliseconds > CANCEL_LIMIT_MS) say(`it took ${milliseconds} ms`);
      for (const text of eventProblems(events)) say(text);
      for (const text of await remains(deployment)) say(text);
    }
    return {
      injected: `cancelled in ${MOMENTS.map(({ stage }) => stage).join(', ')}`,
      lost,
      redone: `nothing; ended ${(Math.min(...took) / 1000).toFixed(1)} to ${(Math.max(...took) / 1000).toFixed(1)} s after the request`,
    };
  },
};

/** A source of its own for every stage: nothing of it may be in the store already. */
async function requestFor(
  { client }: Deployment,
  folder: string,
  { video }: Moment,
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

async function lineAfter(
  deployment: Deployment,
  from: number,
  wanted: (line: LogLine) => boolean,
): Promise<void> {
  await deployment.waitForLine((line) => deployment.lines.indexOf(line, from) >= from && wanted(line));
}

/** What still runs or lies about. */
async function remains(deployment: Deployment): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of await deployment.process('cpu').children()) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (/ff(mpeg|probe)|soffice/.test(command)) found.push('a media program runs');
  }
  const before = deployment.lines.length;
  await sleep(QUIET_MS);
  if (deployment.lines.slice(before).some(({ message }) => message.startsWith('generation')))
    found.push('the model still works');
  const scratch = join(deployment.home, 'scratch');
  for (const worker of await readdir(scratch)) {
    const files = await readdir(join(scratch, worker));
    if (files.length > 0) found.push(`${files.length} files in the scratch folder`);
  }
  return found;
}
