/**
 * `node --import tsx bench/costs/batch-costs.ts [ITEMS]`: what one line of a batch costs in history, artifacts and time, for
 * docs/backfills.md. Each line is an image of its own through the bundled model.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import sharp from 'sharp';
import { createFolderStore } from '../../store/folder/index.ts';
import { deploy } from '../../test/faults/support/deployment.ts';

const POLL_MS = 500;

const items = Number(process.argv[2] ?? 100);
await using deployment = await deploy();
const { client } = deployment;
const requests = await Promise.all(
  Array.from({ length: items }, async (_, index) => {
    const background = { r: index % 256, g: (index * 7) % 256, b: (index * 13) % 256 };
    const png = await sharp({ create: { width: 64, height: 64, channels: 3, background } })
      .png()
      .toBuffer();
    const { id } = await client.uploadFile(new Blob([new Uint8Array(png)]), `${index}.png`);
    const body = { source: { type: 'images', file_ids: [id] } };
    return JSON.stringify({ custom_id: `item-${index}`, method: 'POST', url: '/v1/summaries', body });
  }),
);
const store = createFolderStore(join(deployment.home, 'artifacts'));
const before = await countArtifacts();
const file = await client.uploadFile(new Blob([requests.join('\n')]), 'costs.jsonl', { purpose: 'batch' });
const began = performance.now();
let batch = await client.createBatch({ input_file_id: file.id, endpoint: '/v1/summaries' });
const accepted = performance.now() - began;
while (batch.status !== 'completed') {
  await sleep(POLL_MS);
  batch = await client.getBatch(batch.id);
}
const seconds = (performance.now() - began) / 1000;
const after = await countArtifacts();
console.log(`${items} lines: accepted in ${Math.round(accepted)} ms, done in ${Math.round(seconds)} s`);
for (const [name, { count, bytes }] of after) {
  const earlier = before.get(name) ?? { count: 0, bytes: 0 };
  const per = (value: number): string => (value / items).toFixed(2);
  console.log(
    `${name}: ${per(count - earlier.count)} artifacts and ${per(bytes - earlier.bytes)} bytes a line`,
  );
}

const connection = await Connection.connect({ address: deployment.temporalAddress });
const temporal = new Client({ connection });
const histories = { batch: { events: 0, bytes: 0 }, summarize: { events: 0, bytes: 0 } };
for await (const { type, historyLength, historySize } of temporal.workflow.list()) {
  if (type !== 'batch' && type !== 'summarize') continue;
  histories[type].events += historyLength;
  histories[type].bytes += historySize ?? 0;
}
for (const [type, { events, bytes }] of Object.entries(histories))
  console.log(`${type}: ${(events / items).toFixed(1)} events and ${Math.round(bytes / items)} bytes a line`);
await connection.close();

async function countArtifacts(): Promise<Map<string, { count: number; bytes: number }>> {
  const classes = new Map<string, { count: number; bytes: number }>();
  for await (const name of store.list('')) {
    const kind = name.slice(0, name.indexOf('/'));
    const known = classes.get(kind) ?? { count: 0, bytes: 0 };
    classes.set(kind, {
      count: known.count + 1,
      bytes: known.bytes + ((await store.head(name))?.bytes ?? 0),
    });
  }
  return classes;
}
