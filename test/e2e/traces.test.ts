/** The trace of one job in the whole system, received by a test server. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../schema/job.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

/** A span in the JSON format of OTLP. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly stringValue?: string; readonly intValue?: number };
  }[];
  readonly service: string;
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: Pick<Span, 'attributes'>;
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, 'service'>[] }[];
  }[];
}

const spans: Span[] = [];
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
let receiver: Server;
let system: TestSystem;
let folder: string;
let job: Job;

beforeAll(async () => {
  receiver = createServer(async (request, outgoing) => {
    if (request.url !== '/v1/traces' || request.headers['x-test'] !== 'yes') {
      outgoing.writeHead(400).end();
      return;
    }
    const { resourceSpans } = (await json(request)) as Export; // the exporter's format
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = attribute(resource, 'service.name');
      spans.push(
        ...scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service: String(service) }))),
      );
    }
    outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  folder = await mkdtemp(join(tmpdir(), 'frameloom-traces-'));
  system = await startSystem({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-test=yes',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    FRAMELOOM_LOG_LEVEL: 'info',
  });
  const path = join(folder, 'a.png');
  await sharp({ create: { width: 64, height: 64, channels: 3, background: '#c02020' } })
    .png()
    .toFile(path);
  const response = await fetch(`${system.url}/v1/summaries`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` },
    body: JSON.stringify({ source: { type: 'images', file_ids: [await system.upload(path)] } }),
  });
  const { id } = (await response.json()) as Job; // as documented
  ({ job } = await follow(system, id));
}, 240_000);

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  receiver?.close();
  await rm(folder, { recursive: true, force: true });
});

function attribute({ attributes }: Pick<Span, 'attributes'>, key: string): string | number | undefined {
  const value = attributes.find((one) => one.key === key)?.value;
  return value?.stringValue ?? value?.intValue;
}

/** Returns the only span with this name in the trace of the caller. */
function spanOf(name: string): Span {
  const [found, ...more] = spans.filter((span) => span.traceId === TRACE && span.name === name);
  if (!found || more.length > 0) throw new Error(`${more.length + (found ? 1 : 0)} spans "${name}"`);
  return found;
}

describe('the trace of a job', () => {
  it('has spans of the request, the workflow, its activities and the model call, each a child of its cause', async () => {
    expect(job.status).toBe('completed');
    const names = ['HTTP POST', 'workflow summarize', 'ingest', 'extractFrames', 'describeSegment', 'finish'];
    const named = (): string[] => spans.filter(({ traceId }) => traceId === TRACE).map(({ name }) => name);
    await expect.poll(named, { timeout: 20_000 }).toEqual(expect.arrayContaining(names));
    const request = spanOf('HTTP POST');
    const workflow = spanOf('workflow summarize');
    const described = spanOf('describeSegment');
    const calls = spans.filter(({ parentSpanId }) => parentSpanId === described.spanId);
    expect(request).toMatchObject({ parentSpanId: CALLER, service: 'frameloom-api' });
    expect(attribute(request, 'http.route')).toBe('/v1/summaries');
    expect(attribute(request, 'http.response.status_code')).toBe(202);
    expect(workflow).toMatchObject({ parentSpanId: request.spanId, service: 'frameloom-worker-cpu' });
    for (const name of ['ingest', 'extractFrames', 'finish'])
      expect(spanOf(name)).toMatchObject({ parentSpanId: workflow.spanId, service: 'frameloom-worker-cpu' });
    expect(described).toMatchObject({ parentSpanId: workflow.spanId, service: 'frameloom-worker-gpu' });
    expect(attribute(described, 'frameloom.job')).toBe(job.id);
    expect(attribute(described, 'frameloom.segment')).toBe(0);
    expect(calls.map(({ name, traceId }) => [name, traceId])).toEqual([['chat tiny-phi3v', TRACE]]);
    const tokens = job.result?.segments[0]?.usage.output_tokens;
    expect(calls.map((call) => attribute(call, 'gen_ai.usage.output_tokens'))).toEqual([tokens]);
    // Children start and end within their parent.
    for (const part of [described, spanOf('ingest')]) {
      expect(BigInt(part.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(workflow.startTimeUnixNano));
      expect(BigInt(part.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(workflow.endTimeUnixNano));
    }
    expect(spans.filter(({ status }) => status.code === 2)).toEqual([]);
  });

  it('does not include health probes', async () => {
    await fetch(`${system.url}/healthz`);
    await fetch(`${system.url}/v1/summaries`);
    await expect
      .poll(() =>
        spans.filter(({ name }) => name === 'HTTP GET').map((span) => attribute(span, 'http.route')),
      )
      .toContain('/v1/summaries');
    expect(spans.filter((span) => attribute(span, 'http.route') === '/healthz')).toEqual([]);
  });
});

describe('the log of a worker', () => {
  it('has the job and the segment of each activity of a segment', async () => {
    const lines = async (name: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      (await readFile(join(system.home, 'logs', name), 'utf8'))
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (all: Awaited<ReturnType<typeof lines>>, activity: string) =>
      all.filter((line) => line.activity === activity && line.message === 'activity completed');
    const described = of(await lines('worker-gpu.log'), 'describeSegment');
    expect(described).toEqual([expect.objectContaining({ job: job.id, segment: 0, attempt: 1 })]);
    const prepared = of(await lines('worker-cpu.log'), 'preprocessFrames');
    expect(prepared).toEqual([expect.objectContaining({ job: job.id, segment: 0, segments: 1 })]);
  });
});
