/**
 * Our runtime on the slice: `ours.ts FOLDER`. Prints one line of JSON: prefill and steps at 3,000 tokens, steps of one row and
 * of eight at 128 tokens, and the memory that all of it took.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { openGraphs } from '../../phi3v/engine/graphs.ts';
import type { CacheRow } from '../../phi3v/engine/kv-cache.ts';
import { dataFiles } from '../../phi3v/folder/inspect-folder.ts';
import { median } from '../median.ts';
import { likeliest, PROMPT_TOKENS, promptIds, STEPS, sliceConfig, THREADS, timed } from './slice.ts';

const ROWS = 8;
const SHORT = 128;
const CHUNK = Number(process.argv[3] ?? 256);
const NO_FEATURES = new Float32Array(0);

const [, , folder = ''] = process.argv;
const config = await sliceConfig(folder);
const graphs = await openGraphs(folder, config, { provider: 'cpu', threads: THREADS, maxConcurrency: ROWS });
const { decoder } = graphs;

async function fill(row: CacheRow, length: number): Promise<number> {
  const ids = promptIds(length);
  let token = 0;
  for (let start = 0; start < length; start += CHUNK) {
    const chunk = ids.slice(start, start + CHUNK);
    const logits = await decoder.prefill(row, {
      ids: chunk,
      start,
      features: NO_FEATURES,
      wantLogits: start + CHUNK >= length,
    });
    if (logits !== undefined) token = likeliest(logits);
  }
  return token;
}

/** Median milliseconds of a step of these rows, filled with `length` tokens each. */
async function steps(rows: readonly CacheRow[], length: number, count: number): Promise<readonly number[]> {
  const times: number[] = [];
  let ids = rows.map(() => 5);
  for (let step = 0; step < count; step++) {
    let logits: readonly Float32Array[] = [];
    times.push(
      await timed(async () => {
        logits = await decoder.step(
          rows.map((row, i) => ({ row, id: ids[i] ?? 0, position: length + step })),
        );
      }),
    );
    ids = logits.map(likeliest);
  }
  return times;
}

function open(tokens: number): CacheRow {
  const row = decoder.open(tokens, false);
  if (row === undefined) throw new Error('no memory for the benchmark');
  return row;
}

const warm = open(PROMPT_TOKENS);
await fill(warm, 16);
await steps([warm], 16, 4);
warm.release();

const long = open(PROMPT_TOKENS + STEPS);
const prefill = await timed(() => fill(long, PROMPT_TOKENS));
const longSteps = await steps([long], PROMPT_TOKENS, STEPS);
const rss = process.memoryUsage.rss();
long.release();

const eight = Array.from({ length: ROWS }, () => open(SHORT + 4 * STEPS));
for (const row of eight) await fill(row, SHORT);
const [first] = eight;
if (first === undefined) throw new Error('no row');
// In turns, so that a machine that slows down slows both.
const alone: number[] = [];
const together: number[] = [];
for (let turn = 0; turn < 2; turn++) {
  alone.push(...(await steps([first], SHORT, STEPS)));
  together.push(...(await steps(eight, SHORT, STEPS)));
}

let weights = 0;
for (const { file } of [config.vision, config.embedding, config.text]) {
  for (const each of [file, ...(await dataFiles(folder, file))]) weights += statSync(join(folder, each)).size;
}
console.log(
  JSON.stringify({
    runtime: graphs.runtime,
    prefill_s: prefill / 1000,
    step_ms: median(longSteps),
    step_ms_least: Math.min(...longSteps),
    one_row_ms: median(alone),
    eight_rows_ms: median(together),
    kv_bytes: graphs.kvBytesPerToken * (PROMPT_TOKENS + STEPS),
    weight_bytes: weights,
    rss_bytes: rss,
  }),
);
await graphs.close();
