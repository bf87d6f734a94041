/**
 * A real HTTP server on loopback: the console's files, and an API that does what a test tells it, step by
 * step.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PAGE_POLICY } from '../../api/app/index.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { isLastEvent, type JobEvent } from '../../schema/events.ts';
import type { File } from '../../schema/file.ts';
import type { Job } from '../../schema/job.ts';
import { createProblem } from '../../schema/problem.ts';
import { SummaryRequest } from '../../schema/request.ts';
import { loadConsoleAssets } from '../../web/assets.ts';
import { drawImage } from './images.ts';
import { FILE_ID } from './sample-jobs.ts';

export interface ScriptedApi {
  readonly url: string;
  /** All there is to list; `GET /v1/summaries/{id}` looks here too. */
  readonly jobs: Map<string, Job>;
  /** Bodies of all POSTs of summaries, parsed by the real schema. */
  readonly requests: SummaryRequest[];
  readonly uploads: { readonly filename: string; readonly bytes: number }[];
  /** `Last-Event-ID` of every stream that was opened. */
  readonly resumedAfter: number[];
  /** Every `Authorization` header that came in. */
  readonly keys: Set<string>;
  /** What the next POST of a summary starts. */
  nextJob: Job | undefined;
  /** While set, every API call is refused with it. */
  refusal: ErrorCode | undefined;
  /** Adds events to the log of a job and sends them to whoever follows it. */
  emit(id: string, ...events: readonly JobEvent[]): void;
  /** Cuts all open event streams, as a broken line would. */
  cutStreams(): void;
  /** Until the returned function is called, uploads are not answered. */
  holdUploads(): () => void;
  close(): Promise<void>;
}

interface Stream {
  readonly id: string;
  readonly response: ServerResponse;
}

export async function startScriptedApi(): Promise<ScriptedApi> {
  const assets = await loadConsoleAssets();
  const logs = new Map<string, JobEvent[]>();
  const streams = new Set<Stream>();
  let uploadGate: Promise<void> = Promise.resolve();

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });

  const api: ScriptedApi = {
    url: '',
    jobs: new Map(),
    requests: [],
    uploads: [],
    resumedAfter: [],
    keys: new Set(),
    nextJob: undefined,
    refusal: undefined,
    emit(id, ...events) {
      logs.set(id, [...(logs.get(id) ?? []), ...events]);
      for (const stream of streams) {
        if (stream.id === id) for (const event of events) stream.response.write(eventText(event));
      }
    },
    cutStreams() {
      for (const { response } of streams) response.destroy();
    },
    holdUploads() {
      let release = (): void => {};
      uploadGate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://loopback');
    const asset = assets.get(pathname);
    if (asset) {
      response.writeHead(200, { 'Content-Type': asset.type, 'Content-Security-Policy': PAGE_POLICY });
      response.end(asset.body);
      return;
    }
    if (request.headers.authorization) api.keys.add(request.headers.authorization);
    if (api.refusal) return refuse(response, api.refusal);
    const [, , collection, id = '', part = '', picture = ''] = pathname.split('/');
    const route = `${request.method} ${collection}${id === '' ? '' : '/id'}${part === '' ? '' : `/${part}`}`;
    switch (route) {
      case 'POST files': {
        const bytes = (await bodyOf(request)).length;
        api.uploads.push({ filename: searchParams.get('filename') ?? '', bytes });
        await uploadGate;
        const file: File = {
          id: FILE_ID,
          object: 'file',
          purpose: 'source',
          filename: searchParams.get('filename') ?? '',
          bytes,
          sha256: 'ab'.repeat(32),
          created_at: Math.floor(Date.now() / 1000),
          status: 'processed',
        };
        return answer(response, 201, file);
      }
      case 'POST summaries': {
        api.requests.push(SummaryRequest.parse(JSON.parse((await bodyOf(request)).toString())));
        if (!api.nextJob) return refuse(response, 'unavailable');
        api.jobs.set(api.nextJob.id, api.nextJob);
        return answer(response, 202, api.nextJob);
      }
      case 'GET summaries':
        return answer(response, 200, { object: 'list', data: [...api.jobs.values()], next_cursor: null });
      case 'GET summaries/id': {
        const job = api.jobs.get(id);
        return job ? answer(response, 200, job) : refuse(response, 'not_found');
      }
      case 'POST summaries/id/cancel': {
        const job = api.jobs.get(id);
        const last = logs.get(id)?.at(-1);
        if (!job || !last) return refuse(response, 'not_found');
        const { time, progress } = last;
        api.emit(id, { id: last.id + 1, time, progress, type: 'job.cancelling' });
        api.jobs.set(id, { ...job, status: 'cancelled' });
        api.emit(id, { id: last.id + 2, time, progress, type: 'job.cancelled' });
        return answer(response, 202, job);
      }
      case 'POST summaries/id/retry': {
        const job = api.jobs.get(id);
        if (!job) return refuse(response, 'not_found');
        const again: Job = { ...job, status: 'queued' };
        api.jobs.set(id, again);
        logs.delete(id);
        return answer(response, 202, again);
      }
      case 'GET summaries/id/events': {
        if (request.headers.accept === 'application/json') {
          const known = Number(searchParams.get('after') ?? -1);
          const data = (logs.get(id) ?? []).filter((event) => event.id > known);
          const last = data.at(-1);
          const ended = last !== undefined && isLastEvent(last);
          return answer(response, 200, {
            object: 'list',
            data,
            next_after: ended ? null : (last?.id ?? known),
          });
        }
        const after = Number(request.headers['last-event-id'] ?? -1);
        api.resumedAfter.push(after);
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write('retry: 1000\n\n');
        for (const event of logs.get(id) ?? []) if (event.id > after) response.write(eventText(event));
        const stream = { id, response };
        streams.add(stream);
        response.on('close', () => streams.delete(stream));
        return;
      }
      case 'GET summaries/id/frames':
        response.writeHead(200, { 'Content-Type': 'image/jpeg' });
        response.end(await drawImage(Number.parseInt(picture, 10)));
        return;
      default:
        return refuse(response, 'not_found');
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // what a TCP server that listens has
  return Object.assign(api, { url: `http://127.0.0.1:${port}` });
}

function eventText(event: JobEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: ErrorCode): void {
  const body = createProblem(code, 'This is the detail of the refusal.', 'req_1');
  response.writeHead(body.status, { 'Content-Type': 'application/problem+json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
