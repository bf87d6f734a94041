/** The API as a Lambda function: events of the shape that function URLs send, and a response stream that keeps what it gets. */
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLambdaApi } from '../../api/entries/lambda.ts';
import { parseApiKeys } from '../../config/api-keys.ts';
import type { File } from '../../schema/file.ts';
import type { JobId } from '../../schema/ids.ts';
import type { Job } from '../../schema/job.ts';
import { type Harness, sampleEvents, withApp } from './harness.ts';

interface Metadata {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
}

/** What Lambda's runtime puts into the global scope, with a stream that can be looked into. */
const runtime = {
  streamifyResponse: <T>(handler: T): T => handler,
  HttpResponseStream: {
    from(stream: Answer, metadata: Metadata): Answer {
      stream.metadata = metadata;
      return stream;
    },
  },
};

class Answer extends PassThrough {
  metadata: Metadata | undefined;
}

beforeAll(() => {
  Object.assign(globalThis, { awslambda: runtime });
});
afterAll(() => {
  Reflect.deleteProperty(globalThis, 'awslambda');
});

const KEY = 'a-key-of-the-test';
const keys = parseApiKeys(`ada:${createHash('sha256').update(KEY).digest('hex')}`);

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body?: string | Uint8Array;
  /** Milliseconds that the invocation has left. */
  readonly left?: number;
}

/** An event as a function URL sends it, payload version 2.0. */
function eventOf({ method = 'GET', path, query = '', headers = {}, cookies, body }: Asked) {
  const host = 'abcdefghij.lambda-url.eu-central-1.on.aws';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(cookies ? { cookies } : {}),
    headers: {
      'x-amzn-trace-id': 'Root=1-65a1b2c3-0123456789abcdef01234567',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
      'x-forwarded-for': '203.0.113.7',
      host,
      accept: '*/*',
      authorization: `Bearer ${KEY}`,
      ...headers,
    },
    ...(query === '' ? {} : { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'abcdefghij',
      domainName: host,
      domainPrefix: 'abcdefghij',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: 'curl/8.5.0' },
      requestId: '1f0e3d2c-0000-4000-8000-123456789abc',
      routeKey: '$default',
      stage: '$default',
      time: '24/Nov/2026:12:00:00 +0000',
      timeEpoch: 1795521600000,
    },
    ...(body === undefined
      ? { isBase64Encoded: false }
      : typeof body === 'string'
        ? { body, isBase64Encoded: false }
        : { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }),
  };
}

type Ask = (asked: Asked) => Promise<{ readonly answer: Answer; readonly bytes: Buffer }>;

/** Runs `use` with a function over the harness' orchestrator and store. */
function withFunction(use: (ask: Ask, harness: Harness) => Promise<void>): Promise<void> {
  return withApp(async (harness) => {
    const { orchestrator, store } = harness;
    const handler = createLambdaApi({
      ...{ orchestrator, store, keys, maxUploadBytes: 1_000_000, version: 'test' },
      log: () => undefined,
    });
    await use(async (asked) => {
      const answer = new Answer();
      const deadline = Date.now() + (asked.left ?? 60_000);
      const context = { getRemainingTimeInMillis: () => deadline - Date.now() };
      const collected = answer.toArray();
      // The types of the adapter are those of all event sources at once.
      await (handler as unknown as (...of: unknown[]) => Promise<void>)(eventOf(asked), answer, context);
      return { answer, bytes: Buffer.concat((await collected) as Buffer[]) };
    }, harness);
  });
}

const json = <T>(bytes: Buffer): T => JSON.parse(bytes.toString()) as T; // the contract says so

async function startJob(ask: Ask): Promise<Job & { readonly id: JobId }> {
  const body = JSON.stringify({ source: { type: 'images', urls: ['https://example.com/ä.png'] } });
  const { bytes } = await ask({
    ...{ method: 'POST', path: '/v1/summaries', body },
    headers: { 'content-type': 'application/json', 'idempotency-key': '"one"' },
  });
  return json(bytes);
}

describe('an event of a function URL', () => {
  it('is a request of the API, query, cookies and JSON body with it', () =>
    withFunction(async (ask) => {
      const { id } = await startJob(ask);
      const { answer, bytes } = await ask({
        path: '/v1/summaries',
        query: 'limit=1&cursor=no%20cursor',
        cookies: ['a=b', 'c=d'],
      });
      // The cursor is refused by the API, so the whole query has arrived.
      expect(answer.metadata?.statusCode).toBe(400);
      expect(json<{ code: string }>(bytes).code).toBe('invalid_request');
      const list = await ask({ path: '/v1/summaries', query: 'limit=1' });
      expect(json<{ data: Job[] }>(list.bytes).data.map((job) => job.id)).toEqual([id]);
      expect(list.answer.metadata).toMatchObject({
        statusCode: 200,
        headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
        cookies: [],
      });
      expect((await ask({ path: `/v1/summaries/${id}`, method: 'HEAD' })).bytes.length).toBe(0);
    }));

  it('brings bytes unchanged, and takes them back', () =>
    withFunction(async (ask) => {
      const sent = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256);
      const upload = await ask({
        ...{ method: 'POST', path: '/v1/files', query: 'filename=caf%C3%A9.bin', body: sent },
        headers: { 'content-type': 'application/octet-stream' },
      });
      const file = json<File>(upload.bytes);
      expect(file).toMatchObject({ bytes: 70_000, filename: 'café.bin' });
      expect(file.sha256).toBe(createHash('sha256').update(sent).digest('hex'));
      const back = await ask({ path: `/v1/files/${file.id}/content` });
      expect(back.bytes.equals(Buffer.from(sent))).toBe(true);
    }));

  it('returns the problems of the API for a missing key, an unknown route and malformed JSON', () =>
    withFunction(async (ask) => {
      const status = async (asked: Asked): Promise<readonly [number | undefined, string]> => {
        const { answer, bytes } = await ask(asked);
        expect(answer.metadata?.headers['content-type']).toBe('application/problem+json');
        return [answer.metadata?.statusCode, json<{ code: string }>(bytes).code];
      };
      expect(await status({ path: '/v1/summaries', headers: { authorization: 'Bearer no' } })).toEqual([
        401,
        'unauthorized',
      ]);
      expect(await status({ path: '/v1/nothing' })).toEqual([404, 'not_found']);
      const headers = { 'content-type': 'application/json' };
      const broken = { method: 'POST', path: '/v1/summaries', headers, body: '{"source": ' };
      expect(await status(broken)).toEqual([400, 'invalid_request']);
    }));
});

describe('a stream of events', () => {
  const headers = { accept: 'text/event-stream' };
  const ids = (bytes: Buffer): number[] =>
    [...bytes.toString().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

  it('is streamed to its end', () =>
    withFunction(async (ask, { writeEvents }) => {
      const { id } = await startJob(ask);
      await writeEvents(id, sampleEvents(4));
      const { answer, bytes } = await ask({ path: `/v1/summaries/${id}/events`, headers });
      expect(answer.metadata?.headers['content-type']).toBe('text/event-stream; charset=utf-8');
      expect(ids(bytes)).toEqual([0, 1, 2, 3, 4]);
    }));

  it('ends in order before the deadline, and goes on where it was in the next invocation', () =>
    withFunction(async (ask, { writeEvents }) => {
      const { id } = await startJob(ask);
      await writeEvents(id, sampleEvents(5).slice(0, 3));
      const left = 2300;
      const deadline = Date.now() + left;
      const first = await ask({ path: `/v1/summaries/${id}/events`, headers, left });
      expect(Date.now()).toBeLessThan(deadline);
      expect(ids(first.bytes)).toEqual([0, 1, 2, 3]);
      expect(first.bytes.toString().endsWith('\n\n')).toBe(true);
      await writeEvents(id, sampleEvents(5).slice(3));
      const resumed = { ...headers, 'last-event-id': '3' };
      const second = await ask({ path: `/v1/summaries/${id}/events`, headers: resumed });
      expect(ids(second.bytes)).toEqual([4, 5]);
    }));
});

it('requires keys, because a function URL is public', () =>
  withApp(async ({ orchestrator, store }) => {
    const open = { orchestrator, store, keys: [], maxUploadBytes: 1, version: 'test', log: () => undefined };
    expect(() => createLambdaApi(open)).toThrow('FRAMELOOM_API_KEYS is required');
  }));
