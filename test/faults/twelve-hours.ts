/** Twelve hours of video in the memory of one, with nothing of them lost, within the limits of histories and payloads. */
import { openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { SummaryResult } from '../../schema/result.ts';
import { largestPayload, lengthOf } from '../support/histories.ts';
import { specsInText } from '../world/facts.ts';
import { caption } from '../world/spec.ts';
import { deploy } from './support/deployment.ts';
import type { FaultTest, Outcome } from './support/fault-test.ts';
import { type Marker, makeLongVideo } from './support/long-video.ts';
import { watchPeakMemory } from './support/peak-memory.ts';
import { eventProblems, finalJob } from './support/run-job.ts';

/** Most that the larger source may add to the memory of any process. */
const MORE_MEMORY = 1.1;
/**
 * Bytes that the model host may add besides: each of its 8 rows keeps the memory of the longest sequence that it has held, and in one
 * hour not each has held a long one. 1,024 tokens more in each, at 6 KiB of KV cache a token.
 */
const FULLER_ROWS = 8 * 1024 * 6 * 1024;
const MOST_EVENTS = 10_000;
const MOST_BYTES = 64 * 1024;

interface Long {
  readonly seconds: number;
  readonly segments: number;
  readonly frames: number;
  readonly lost: readonly string[];
  readonly peaks: ReadonlyMap<string, number>;
  readonly runs: number;
  readonly mostEvents: number;
  readonly mostBytes: number;
}

export const twelveHours: FaultTest = {
  name: 'twelve-hours',
  rule: 'twelve hours of video take no more memory than one hour, and everything shown in them is in the result',
  async run({ folder, seed }): Promise<Outcome> {
    const one = await summarizeHours(folder, 1, seed);
    const twelve = await summarizeHours(folder, 12, seed);
    const lost = [...one.lost, ...twelve.lost];
    for (const [name, bytes] of twelve.peaks) {
      const before = one.peaks.get(name) ?? 0;
      const rows = name === 'model host' ? FULLER_ROWS : 0;
      if (bytes > before * MORE_MEMORY + rows)
        lost.push(`${name} grew from ${mega(before)} to ${mega(bytes)}`);
    }
    const peaks = [...twelve.peaks].map(
      ([name, bytes]) => `${name} ${mega(one.peaks.get(name) ?? 0)} → ${mega(bytes)}`,
    );
    return {
      injected: `12 h of video: ${twelve.frames} pictures, ${twelve.segments} segments, 20 markers`,
      lost,
      redone: `nothing; ${Math.round(twelve.seconds)} s, ${twelve.runs} runs, at most ${twelve.mostEvents} events and ${twelve.mostBytes} bytes a payload; peak memory of 1 h → 12 h: ${peaks.join(', ')}`,
    };
  },
};

async function summarizeHours(folder: string, hours: number, seed: number): Promise<Long> {
  const path = join(folder, `${hours}h.mp4`);
  const markers = await makeLongVideo(path, { hours, seed });
  await using deployment = await deploy();
  using memory = watchPeakMemory(deployment);
  const { client } = deployment;
  const file = await client.uploadFile(await openAsBlob(path), `${hours}h.mp4`);
  await rm(path);
  const began = performance.now();
  const { id } = await client.createSummary({
    source: { type: 'video', file_id: file.id },
    sampling: { max_frames: 2000 },
  });
  const events = [];
  for await (const event of client.streamEvents(id)) events.push(event);
  const job = await finalJob(deployment, id);
  const seconds = (performance.now() - began) / 1000;
  const { result } = job;
  const missing = result ? missingMarkers(markers, result) : ['everything'];
  const histories = await measureHistories(deployment.temporalAddress, id);
  const lost = [...missing.map((what) => `a marker of ${hours} h: ${what}`), ...eventProblems(events)];
  if (job.status !== 'completed')
    lost.push(`the job of ${hours} h is ${job.status} ${job.error?.code ?? ''}`);
  if (histories.mostEvents > MOST_EVENTS) lost.push(`a history has ${histories.mostEvents} events`);
  if (histories.mostBytes > MOST_BYTES) lost.push(`a payload has ${histories.mostBytes} bytes`);
  return {
    seconds,
    segments: result?.segments.length ?? 0,
    frames: result?.usage.frames ?? 0,
    lost,
    peaks: await memory.peaks(),
    ...histories,
  };
}

/** Markers that no segment tells of at their time, or that are in no chapter, with what is told instead. */
function missingMarkers(
  markers: readonly Marker[],
  { segments, chapters }: SummaryResult,
): readonly string[] {
  // By a word of its title, which no other marker has: how well the model reads the other, and counts bullets, is another question.
  const told = (text: string, { spec }: Marker): boolean => {
    const words = spec.title.split(' ');
    return specsInText(text).some(
      (read) => read.kind === 'slide' && read.title.split(' ').some((word) => words.includes(word)),
    );
  };
  const covers = (place: { start_time?: number | undefined; end_time?: number | undefined }, time: number) =>
    (place.start_time ?? 0) <= time && time < (place.end_time ?? 0);
  return markers.flatMap((marker) => {
    const segment = segments.find((place) => covers(place, marker.time));
    const chapter = chapters.find((place) => covers(place, marker.time));
    const untold = [segment?.caption ?? 'no segment', chapter?.summary ?? 'no chapter'].find(
      (text) => !told(text, marker),
    );
    return untold === undefined
      ? []
      : [`${caption(marker.spec)}, of which is told: ${untold.replaceAll('\n', ' ')}`];
  });
}

/** Reads the histories of all runs of a job. */
async function measureHistories(
  address: string,
  id: string,
): Promise<Pick<Long, 'runs' | 'mostEvents' | 'mostBytes'>> {
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection });
  const found = { runs: 0, mostEvents: 0, mostBytes: 0 };
  for await (const { runId } of workflow.list({ query: `WorkflowId='${id}'` })) {
    const history = await workflow.getHandle(id, runId).fetchHistory();
    found.runs += 1;
    found.mostEvents = Math.max(found.mostEvents, lengthOf(history));
    found.mostBytes = Math.max(found.mostBytes, largestPayload(history));
  }
  await connection.close();
  return found;
}

function mega(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
