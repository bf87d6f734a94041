/** Prometheus metrics of the whole system, scraped while a job runs. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { packageRoot } from '../../cli/package-root.ts';
import { makeDeck } from '../world/deck.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Parses the samples of Prometheus' text format. */
function parse(text: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', label = '']) => [key, label]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** Returns the sum of all samples with these labels. */
function total(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter(
      (one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

/** Returns the first of two consecutive free ports. */
async function freePorts(): Promise<number> {
  const listen = (requestedPort: number) =>
    new Promise<{ port: number; close: () => Promise<void> }>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(requestedPort, '127.0.0.1', () => {
        const address = server.address();
        const close = () => new Promise<void>((done) => server.close(() => done()));
        resolve({ port: typeof address === 'object' && address ? address.port : 0, close });
      });
    });
  for (;;) {
    const first = await listen(0);
    const second = await listen(first.port + 1).catch(() => undefined);
    await first.close();
    await second?.close();
    if (second) return first.port;
  }
}

/** Suspends a process while `work` runs. */
async function whileStopped(pid: number, work: () => Promise<void>): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

let folder: string;
let system: TestSystem;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-metrics-'));
  port = await freePorts();
  // One generation at a time, so others are queued.
  system = await startSystem({
    FRAMELOOM_METRICS_PORT: String(port),
    FRAMELOOM_MODEL_ROWS: '1',
    FRAMELOOM_LOG_LEVEL: 'info',
  });
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('the metrics of a system under load', () => {
  it('contain backlog, used slots, busy time and outcomes', async () => {
    const deck = join(folder, 'deck.pdf');
    await makeDeck(deck, { seed: 47, pages: 40 });
    const scrape = async (): Promise<Record<'api' | 'cpu' | 'gpu', readonly Sample[]>> => {
      const read = async (url: string) => parse(await (await fetch(url)).text());
      return {
        api: await read(`${system.url}/metrics`),
        cpu: await read(`http://127.0.0.1:${port}/metrics`),
        gpu: await read(`http://127.0.0.1:${port + 1}/metrics`),
      };
    };
    const backlogged = () =>
      vi.waitFor(
        async () => {
          const samples = parse(await (await fetch(`${system.url}/metrics`)).text());
          expect(total(samples, 'frameloom_queue_backlog', { queue: 'gpu' })).toBeGreaterThan(0);
        },
        { timeout: 60_000, interval: 200 },
      );
    const { id } = await system.client.createSummary({
      source: { type: 'deck', file_id: await system.upload(deck) },
    });
    let slotsUsed = 0;
    let busyBefore = 0;
    const { job } = await follow(system, id, async ({ type }) => {
      // While the worker is suspended, activities without a slot are queued, however fast the model is.
      if (type === 'plan.ready') await whileStopped(await system.pid('GPU worker'), backlogged);
      if (type !== 'segment.completed') return;
      const { gpu } = await scrape();
      slotsUsed = Math.max(
        slotsUsed,
        total(gpu, 'temporal_worker_task_slots_used', { worker_type: 'ActivityWorker', task_queue: 'gpu' }),
      );
      const busy = total(gpu, 'frameloom_activity_busy_milliseconds_total', { activity: 'describeSegment' });
      expect(busy).toBeGreaterThanOrEqual(busyBefore);
      busyBefore = busy;
    });
    expect(job.status).toBe('completed');
    // The model runs one generation at a time.
    expect(slotsUsed).toBe(1);

    const { cpu, gpu, api } = await scrape();
    const described = job.ledger?.segments.length ?? 0;
    expect(described).toBeGreaterThan(2);
    expect(total(gpu, 'frameloom_segments_total', { cached: 'false' })).toBe(described);
    // A suspension of more than the heartbeat timeout costs one more attempt, which finds the generation.
    const attempts = job.ledger?.segments.reduce((sum, segment) => sum + segment.attempts, 0) ?? 0;
    const completed = total(gpu, 'frameloom_activities_total', {
      activity: 'describeSegment',
      outcome: 'completed',
    });
    expect(completed).toBeGreaterThanOrEqual(described);
    expect(completed).toBeLessThanOrEqual(attempts);
    expect(total(gpu, 'frameloom_tokens_total', { kind: 'prompt' })).toBeGreaterThan(1000);
    expect(total(gpu, 'frameloom_tokens_total', { kind: 'output' })).toBeGreaterThan(described);
    expect(total(gpu, 'frameloom_images_encoded_total')).toBeGreaterThan(0);
    expect(total(gpu, 'frameloom_model_host_restarts_total')).toBe(0);
    const busy = total(gpu, 'frameloom_activity_busy_milliseconds_total');
    const model = total(gpu, 'frameloom_model_busy_milliseconds_total');
    expect(model).toBeGreaterThan(0);
    expect(model).toBeLessThanOrEqual(busy);
    expect(
      total(cpu, 'frameloom_activity_busy_milliseconds_total', { activity: 'extractFrames' }),
    ).toBeGreaterThan(0);
    expect(total(cpu, 'frameloom_activities_total', { activity: 'finish' })).toBe(1);
    expect(total(api, 'frameloom_http_requests_total', { route: '/v1/summaries', status: '202' })).toBe(1);
  });

  it('contain every metric that the dashboard and the alerts use', async () => {
    const addresses = [system.url, `http://127.0.0.1:${port}`, `http://127.0.0.1:${port + 1}`];
    const texts = await Promise.all(addresses.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    const exported = new Set(texts.flatMap(parse).map(({ name }) => name));
    const ours = join(packageRoot(), 'deploy', 'observability');
    const dashboard = JSON.parse(await readFile(join(ours, 'dashboard.json'), 'utf8')) as {
      panels: readonly { targets: readonly { expr: string }[] }[]; // Grafana's format
    };
    const alerts = parseYaml(await readFile(join(ours, 'alerts.yaml'), 'utf8')) as {
      groups: readonly { rules: readonly { expr: string }[] }[]; // Prometheus' format
    };
    const expressions = [
      ...dashboard.panels.flatMap(({ targets }) => targets),
      ...alerts.groups.flatMap(({ rules }) => rules),
    ].map(({ expr }) => expr);
    expect(expressions.length).toBeGreaterThan(20);
    for (const expression of expressions) {
      const names = expression.match(/\b(?:frameloom|temporal)_\w+/g) ?? [];
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name) => !exported.has(name))).toEqual([]);
    }
  });

  it('have a log line for each activity with its job', async () => {
    const { data } = await system.client.listSummaries({});
    const lines = (await readFile(join(system.home, 'logs', 'worker-gpu.log'), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>); // written by the worker
    const ended = lines.filter(({ message }) => message === 'activity completed');
    expect(ended.length).toBeGreaterThan(3);
    expect(new Set(ended.map(({ job }) => job))).toEqual(new Set([data[0]?.id]));
    expect(ended[0]).toMatchObject({
      role: 'worker-gpu',
      activity: 'describeSegment',
      attempt: 1,
      seconds: expect.any(Number),
      generation: expect.stringMatching(/^generations\//),
    });
  });
});
