/** R6: a backfill with poison in it, whose workers are killed again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import type { Batch } from '../../schema/batch.ts';
import { pick, uniform } from '../world/random.ts';
import { type Deployment, deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { uploadImages } from './support/upload-images.ts';

/** Items share pictures: what is put to the test is the batch, not the model. */
const PICTURES = 20;
const POLL_MS = 500;

export const backfill: FaultTest = {
  name: 'backfill',
  rule: '1,000 items, 5 % of them poison, 10 workers killed: each line once, none twice, and a retry runs only the failed',
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
  const first = await untilEnded(deployment, id, async (share) => {
    if (share < (points[killed.length] ?? Number.POSITIVE_INFINITY)) return;
    const name = pick(fixture.random, ['cpu', 'gpu'] as const);
    const deployed = deployment.process(name);
    deployed.signal('SIGKILL');
    await deployed.ended;
    await deployed.restart();
    killed.push(name);
  });
  const seconds = (performance.now() - began) / 1000;
  const lost: string[] = [];
  const poisoned = Math.floor(items / 20);
  if (killed.length < kills) lost.push(`only ${killed.length} of ${kills} kills came before the end`);
  const read = async (fileId: string | undefined): Promise<readonly Line[]> => {
    const text = await (await openai.files.content(fileId ?? '')).text();
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line); // the contract says so
  };
  const output = await read(first.output_file_id);
  const errors = await read(first.error_file_id);
  const ids = [...output, ...errors].map(({ custom_id }) => custom_id);
  const missing = Array.from({ length: items }, (_, index) => `item-${index}`).filter(
    (name) => !ids.includes(name),
  );
  if (first.status !== 'completed') lost.push(`the batch is ${first.status}`);
  if (ids.length !== items) lost.push(`${ids.length} lines instead of ${items}`);
  if (missing.length > 0) lost.push(`${missing.length} lines are missing`);
  if (new Set(ids).size !== ids.length) lost.push(`${ids.length - new Set(ids).size} lines are there twice`);
  if (errors.length !== poisoned) lost.push(`${errors.length} lines failed instead of ${poisoned}`);

  await deployment.client.retryBatch(id);
  const second = await untilEnded(deployment, id);
  const after = await read(second.output_file_id);
  if (JSON.stringify(after) !== JSON.stringify(output)) lost.push('the retry changed lines that were done');
  const repeated: string[] = [];
  for (const line of [...output.slice(0, 50), ...output.slice(-50)]) {
    const job = line.response && (await deployment.client.getSummary(line.response.body.id));
    if (job?.started_at !== line.response?.body.started_at) repeated.push(line.custom_id ?? '');
  }
  if (repeated.length > 0) lost.push(`the retry ran ${repeated.length} finished jobs again`);
  const again = await read(second.error_file_id);
  const rerun = again.filter(({ custom_id, response }) => {
    const before = errors.find((line) => line.custom_id === custom_id);
    return response !== null && response.body.started_at !== before?.response?.body.started_at;
  });
  const runnable = errors.filter(({ response }) => response !== null).length;
  if (rerun.length !== runnable) lost.push(`the retry ran ${rerun.length} of ${runnable} failed jobs again`);
  return {
    injected: `${items} items, ${poisoned} of them poison; kill -9 of workers ${killed.length}× (cpu ${killed.filter((name) => name === 'cpu').length}, gpu ${killed.filter((name) => name === 'gpu').length})`,
    lost,
    redone: `${output.length} + ${errors.length} lines in ${Math.round(seconds)} s; the retry ran ${rerun.length} jobs`,
  };
}

/** One line in twenty is poison: half of it is no request, half names a file that is no picture. */
async function makeRequests(deployment: Deployment, items: number): Promise<readonly string[]> {
  const pictures = await uploadImages(deployment, PICTURES);
  const poison = (await deployment.client.uploadFile(new Blob(['no picture at all']), 'poison.png')).id;
  return Array.from({ length: items }, (_, index) => {
    const custom_id = `item-${index}`;
    if (index % 40 === 7)
      return JSON.stringify({ custom_id, method: 'POST', url: '/v1/summaries', body: {} });
    const file = index % 40 === 27 ? poison : pictures[index % PICTURES];
    const body = { source: { type: 'images', file_ids: [file] } };
    return JSON.stringify({ custom_id, method: 'POST', url: '/v1/summaries', body });
  });
}

/** The batch once it has ended; `seen` gets the share of its lines that are done. */
async function untilEnded(
  { client }: Deployment,
  id: string,
  seen: (share: number) => Promise<void> = async () => undefined,
): Promise<Batch> {
  for (;;) {
    const batch = await client.getBatch(id);
    if (batch.status === 'completed' || batch.status === 'failed' || batch.status === 'expired') return batch;
    const { total, completed, failed } = batch.request_counts;
    await seen((completed + failed) / total);
    await sleep(POLL_MS);
  }
}
