/**
 * Measures the time of each stage of a job, for the sample video and the sample deck, and the event loop delay of the
 * processes. Everything runs as in `npm start`, in a separate home.
 */
import { openAsBlob } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedSystem } from '../../cli/embedded/index.ts';
import { createClient, type FrameloomClient } from '../../client/index.ts';
import type { JobEvent } from '../../schema/events.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export async function measureStages(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'frameloom-bench-'));
  const probes = join(home, 'probes');
  await mkdir(probes);
  const probe = new URL('../event-loop-probe.mjs', import.meta.url).href;
  const began = performance.now();
  const system = await startEmbeddedSystem({
    env: { ...process.env, NODE_OPTIONS: `--import ${probe}`, EVENT_LOOP_PROBE: probes },
    home,
    listen: { port: 0, host: '127.0.0.1', isDefault: false },
    namespace: 'default',
    onMessage: () => undefined,
  });
  try {
    console.log(`start of the system: ${seconds(performance.now() - began)}`);
    const client = createClient({ url: system.url });
    for (const [type, file] of [
      ['video', 'sample-video.mp4'],
      ['deck', 'sample-deck.pdf'],
    ] as const) {
      await measure(client, type, join(root, 'samples', file), 'first run');
      await measure(
        client,
        type,
        join(root, 'samples', file),
        'again with another summary prompt',
        'Summarize it in other words.',
      );
    }
  } finally {
    await system.stop();
  }
  console.log('\nevent loop delay, from 5 s after the start of each process (ms)');
  for (const name of await readdir(probes)) {
    const { role, p50, p99, max } = JSON.parse(await readFile(join(probes, name), 'utf8'));
    console.log(
      `  ${String(role).padEnd(20)} p50 ${p50.toFixed(1)}  p99 ${p99.toFixed(1)}  max ${max.toFixed(1)}`,
    );
  }
  await rm(home, { recursive: true, force: true });
}

async function measure(
  client: FrameloomClient,
  type: 'video' | 'deck',
  path: string,
  what: string,
  summaryPrompt?: string,
): Promise<void> {
  const file = await client.uploadFile(await openAsBlob(path), basename(path));
  const { id } = await client.createSummary({
    source: { type, file_id: file.id },
    ...(summaryPrompt === undefined ? {} : { summary_prompt: summaryPrompt }),
  });
  const events: JobEvent[] = [];
  for await (const event of client.streamEvents(id)) events.push(event);
  const { ledger, result } = await client.getSummary(id);
  console.log(
    `\n${basename(path)}, ${what}: ${result?.usage.frames} frames, ${result?.segments.length} segments`,
  );
  const at = (name: JobEvent['type']): number =>
    Date.parse(events.findLast(({ type: found }) => found === name)?.time ?? '');
  const stages: readonly (readonly [string, JobEvent['type'], JobEvent['type']])[] = [
    ['wait for a worker', 'job.created', 'job.started'],
    ['ingest', 'job.started', 'source.ready'],
    ['extract and preprocess', 'source.ready', 'plan.ready'],
    ['describe', 'plan.ready', 'reduce.started'],
    ['reduce', 'reduce.started', 'reduce.completed'],
    ['finish', 'reduce.completed', 'job.completed'],
  ];
  const whole = at('job.completed') - at('job.created');
  for (const [stage, from, to] of stages) {
    const time = at(to) - at(from);
    console.log(
      `  ${stage.padEnd(24)} ${seconds(time).padStart(8)} ${`${Math.round((100 * time) / whole)} %`.padStart(6)}`,
    );
  }
  console.log(
    `  ${'all'.padEnd(24)} ${seconds(whole).padStart(8)}   of which the model was busy ${ledger?.gpu_seconds.toFixed(2)} s`,
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
