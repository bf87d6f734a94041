/** R6: a backfill with poison lines, whose workers are killed repeatedly. */
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import type { Batch } from '../../schema/batch.ts';
import { pick, uniform } from '../world/random.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { uploadImages } from './support/upload-images.ts';

/** Items share images, because this tests the batch and not the model. */
const IMAGE_COUNT = 20;
const POLL_MS = 500;

export const backfill: FaultTest = {
  name: 'backfill',
  rule: 'a batch of 1,000 items, 5 % of them poison, whose workers are killed 10 times, has each line once; a retry runs only the failed lines',
  run: (fixture) => backfillWithKills(fixture, { items: 1000, kills: 10 }),
};

interface Line {
  readonly custom_id: string | null;
  readonly response: { readonly body: { readonly id: string; readonly started_at: string | null } } | null;
  readonly error: { readonly code: string } | null;
}

export async function backfillWithKills(
  fixture: Fixture,
  { items, kills }: { readonly items: number; readonly kills: number },
): Promise<Outcome> {
  await using deployment = await deploy();
  const openai = new OpenAI({ baseURL: `${deployment.url}/v1`, apiKey: 'none' });
  const requests = await makeRequests(deployment, items);
  const began = performance.now();
  const file = await openai.files.create({
    file: await toFile(Buffer.from(requests.join('\n')), 'requests.jsonl'),
    purpose: 'batch',
  });
  const { id } = await openai.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/summaries' as never, // its types list OpenAI's own endpoints
    completion_window: '24h',
  });
  const points = Array.from({ length: kills }, () => uniform(fixture.random, 0.02, 0.95)).sort(
    (a, b) => a - b,
  );
  const killed: string[] = [];
  const firstRound = await waitForBatch(deployment, id, async (doneShare) => {
    if (doneShare < (points[killed.length] ?? Number.POSITIVE_INFINITY)) return;
    const name = pick(fixture.random, ['cpu', 'gpu'] as const);
    const deployed = deployment.process(name);
    deployed.signal('SIGKILL');
    await deployed.ended;
    await deployed.restart();
    killed.push(name);
  });
  const seconds = (performance.now() - began) / 1000;
  const problems: string[] = [];
  const poisoned = Math.floor(items / 20);
  if (killed.length < kills) problems.push(`only ${killed.length} of ${kills} kills happened before the end`);
  const read = async (fileId: string | undefined): Promise<readonly Line[]> => {
    const text = await (await openai.files.content(fileId ?? '')).text();
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line); // as documented
  };
  const output = await read(firstRound.output_file_id);
  const errors = await read(firstRound.error_file_id);
  const ids = [...output, ...errors].map(({ custom_id }) => custom_id);
  const missing = Array.from({ length: items }, (_, index) => `item-${index}`).filter(
    (name) => !ids.includes(name),
  );
  if (firstRound.status !== 'completed') problems.push(`the batch is ${firstRound.status}`);
  if (ids.length !== items) problems.push(`${ids.length} lines instead of ${items}`);
  if (missing.length > 0) problems.push(`${missing.length} lines are missing`);
  if (new Set(ids).size !== ids.length) problems.push(`${ids.length - new Set(ids).size} lines appear twice`);
  if (errors.length !== poisoned) problems.push(`${errors.length} lines failed instead of ${poisoned}`);

  await deployment.client.retryBatch(id);
  const secondRound = await waitForBatch(deployment, id);
  const outputAfterRetry = await read(secondRound.output_file_id);
  if (JSON.stringify(outputAfterRetry) !== JSON.stringify(output))
    problems.push('the retry changed completed lines');
  const repeated: string[] = [];
  for (const line of [...output.slice(0, 50), ...output.slice(-50)]) {
    const job = line.response && (await deployment.client.getSummary(line.response.body.id));
    if (job?.started_at !== line.response?.body.started_at) repeated.push(line.custom_id ?? '');
  }
  if (repeated.length > 0) problems.push(`the retry ran ${repeated.length} finished jobs again`);
  const errorsAfterRetry = await read(secondRound.error_file_id);
  const rerun = errorsAfterRetry.filter(({ custom_id, response }) => {
    const before = errors.find((line) => line.custom_id === custom_id);
    return response !== null && response.body.started_at !== before?.response?.body.started_at;
  });
  const runnable = errors.filter(({ response }) => response !== null).length;
  if (rerun.length !== runnable)
    problems.push(`the retry ran ${rerun.length} of ${runnable} failed jobs again`);
  return {
    injected: `${items} items, ${poisoned} of them poison; kill -9 of workers ${killed.length}× (cpu ${killed.filter((name) => name === 'cpu').length}, gpu ${killed.filter((name) => name === 'gpu').length})`,
    problems,
    redone: `${output.length} + ${errors.length} lines in ${Math.round(seconds)} s; the retry ran ${rerun.length} jobs`,
  };
}

/** Every twentieth line is poison: alternately an invalid request, and a file that is not an image. */
async function makeRequests(deployment: Deployment, items: number): Promise<readonly string[]> {
  const images = await uploadImages(deployment, IMAGE_COUNT);
  const poison = (await deployment.client.uploadFile(new Blob(['not an image']), 'poison.png')).id;
  return Array.from({ length: items }, (_, index) => {
    const custom_id = `item-${index}`;
    if (index % 40 === 7)
      return JSON.stringify({ custom_id, method: 'POST', url: '/v1/summaries', body: {} });
    const file = index % 40 === 27 ? poison : images[index % IMAGE_COUNT];
    const body = { source: { type: 'images', file_ids: [file] } };
    return JSON.stringify({ custom_id, method: 'POST', url: '/v1/summaries', body });
  });
}

/** Returns the batch once it has ended. `onProgress` gets the share of its lines that have ended, from 0 to 1. */
async function waitForBatch(
  { client }: Deployment,
  id: string,
  onProgress: (doneShare: number) => Promise<void> = async () => undefined,
): Promise<Batch> {
  for (;;) {
    const batch = await client.getBatch(id);
    if (batch.status === 'completed' || batch.status === 'failed' || batch.status === 'expired') return batch;
    const { total, completed, failed } = batch.request_counts;
    await onProgress((completed + failed) / total);
    await sleep(POLL_MS);
  }
}
