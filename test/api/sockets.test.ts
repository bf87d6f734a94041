/** Every route over a real socket, with bodies as clients send them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { request as undiciRequest } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_JSON_BYTES } from '../../api/app/index.ts';
import { type RunningApi, startApi } from '../../api/entries/node.ts';
import { Problem } from '../../schema/problem.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { cutOff, inChunks, type RawResponse, sendRaw } from '../support/raw-http.ts';
import { createFakeOrchestrator } from './fake-orchestrator.ts';

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly takesJson: boolean;
}

const MAX_UPLOAD_BYTES = 2_000_000;
const IDS = { summaries: 'sum', files: 'file', uploads: 'upload', batches: 'batch', estimates: 'est' };
const REQUEST = '{"source":{"type":"images","urls":["https://example.com/a.png"]}}';

let folder: string;
let api: RunningApi;
let routes: readonly Route[];
const logged: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-sockets-'));
  api = await startApi({
    host: '127.0.0.1',
    port: 0,
    orchestrator: createFakeOrchestrator(),
    store: createFolderStore(join(folder, 'store')),
    keys: [],
    maxUploadBytes: MAX_UPLOAD_BYTES,
    version: '0.0.0-test',
    log: (_, message) => logged.push(message),
  });
  const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.operationId !== undefined)
      .map(([method, { requestBody }]) => ({
        method: method.toUpperCase(),
        path: withIds(path),
        takesJson: requestBody?.content['application/json'] !== undefined,
      })),
  );
});

afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

/** A path of the contract with the id of a resource that does not exist. */
function withIds(path: string): string {
  const [, , collection = ''] = path.split('/');
  const prefix = (IDS as Readonly<Record<string, string>>)[collection] ?? 'sched';
  return path
    .replace('{id}', `${prefix}_${'a'.repeat(26)}`)
    .replace('{image}', '0.jpg')
    .replace('{id}', 'x');
}

const head = (method: string, path: string, ...headers: readonly string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers, 'Connection: close', '', ''].join('\r\n');
const JSON_TYPE = 'Content-Type: application/json';
const CHUNKED = 'Transfer-Encoding: chunked';

async function one(...chunks: readonly (string | Uint8Array)[]): Promise<RawResponse> {
  const [response, ...more] = await sendRaw(api.port, ...chunks);
  expect(more).toEqual([]);
  if (!response) throw new Error('the connection closed without a response');
  return response;
}

/** Bodies of JSON as clients frame them, and the status of an object without the required members. */
const JSON_FRAMINGS: readonly (readonly [
  string,
  (method: string, path: string) => (string | Uint8Array)[],
  string,
])[] = [
  ['a length, as curl', (m, p) => [head(m, p, JSON_TYPE, 'Content-Length: 2'), '{}'], ''],
  ['one chunk, as httpx with a generator', (m, p) => [head(m, p, JSON_TYPE, CHUNKED), inChunks('{}')], ''],
  ['several chunks', (m, p) => [head(m, p, JSON_TYPE, CHUNKED), inChunks('{', ' ', '}')], ''],
  ['an empty body in chunks', (m, p) => [head(m, p, JSON_TYPE, CHUNKED), '0\r\n\r\n'], 'invalid_request'],
  ['a length of 0', (m, p) => [head(m, p, JSON_TYPE, 'Content-Length: 0')], 'invalid_request'],
  ['neither length nor body', (m, p) => [head(m, p, JSON_TYPE)], 'invalid_request'],
  ['no type', (m, p) => [head(m, p, CHUNKED), inChunks('{}')], 'unsupported_content_type'],
  ['a charset', (m, p) => [head(m, p, `${JSON_TYPE}; charset="UTF-8"`, CHUNKED), inChunks('{}')], ''],
  [
    'another charset',
    (m, p) => [head(m, p, `${JSON_TYPE}; charset=iso-8859-1`, 'Content-Length: 2'), '{}'],
    'unsupported_content_type',
  ],
  [
    'gzip',
    (m, p) => [head(m, p, JSON_TYPE, 'Content-Encoding: gzip', CHUNKED), inChunks(gzipSync('{}'))],
    'unsupported_content_type',
  ],
  [
    'bytes that are not UTF-8',
    (m, p) => [head(m, p, JSON_TYPE, CHUNKED), inChunks('{"a":"', new Uint8Array([0xff]), '"}')],
    'invalid_request',
  ],
  [
    '65 levels of nesting',
    (m, p) => [head(m, p, JSON_TYPE, CHUNKED), inChunks(`{"requests":${'['.repeat(64)}${']'.repeat(64)}}`)],
    'invalid_request',
  ],
  [
    'a megabyte too many in chunks, of which the last is never sent',
    (m, p) => [head(m, p, JSON_TYPE, CHUNKED), inChunks('a'.repeat(MAX_JSON_BYTES + 1)).subarray(0, -5)],
    'payload_too_large',
  ],
];

describe('a JSON body', () => {
  it.each(JSON_FRAMINGS)('with %s gets an answer of every route that takes one', async (_, framing, code) => {
    const taking = routes.filter(({ takesJson }) => takesJson);
    expect(taking.length).toBeGreaterThanOrEqual(6);
    for (const { method, path } of taking) {
      const response = await one(...framing(method, path));
      const problem = response.status < 400 ? undefined : Problem.parse(JSON.parse(response.body));
      if (code !== '') expect([path, problem?.code]).toEqual([path, code]);
      // `{}` is read: it lacks members, or the resource is unknown.
      else
        expect([path, ['invalid_request', 'not_found'].includes(problem?.code ?? '')]).toEqual([path, true]);
      if (code === 'payload_too_large') expect(response.headers.connection).toBe('close');
    }
  });

  it.each([
    [
      'in chunks',
      [head('POST', '/v1/summaries', JSON_TYPE, CHUNKED), inChunks(REQUEST.slice(0, 9), REQUEST.slice(9))],
    ],
    [
      'after 100 Continue',
      [
        head('POST', '/v1/summaries', JSON_TYPE, 'Expect: 100-continue', `Content-Length: ${REQUEST.length}`),
        REQUEST,
      ],
    ],
    [
      'over HTTP/1.0',
      [`POST /v1/summaries HTTP/1.0\r\n${JSON_TYPE}\r\nContent-Length: ${REQUEST.length}\r\n\r\n`, REQUEST],
    ],
    [
      'with a byte order mark',
      [
        head('POST', '/v1/summaries', JSON_TYPE, CHUNKED),
        inChunks(new Uint8Array([0xef, 0xbb, 0xbf]), REQUEST),
      ],
    ],
    [
      'with members that are null',
      [
        head('POST', '/v1/summaries', JSON_TYPE, CHUNKED),
        inChunks(`${REQUEST.slice(0, -1)},"prompt":null,"metadata":null,"sampling":{"fps":null}}`),
      ],
    ],
    [
      'with a member given twice, of which the last counts',
      [
        head('POST', '/v1/summaries', JSON_TYPE, CHUNKED),
        inChunks(`{"detail":"ultra","detail":"medium",${REQUEST.slice(1)}`),
      ],
    ],
  ] as const)('%s starts a job', async (_, chunks) => {
    expect((await one(...chunks)).status).toBe(202);
  });

  it('of a stream without a length starts a job, as undici and fetch send it', async () => {
    const headers = { 'content-type': 'application/json' };
    const sent = await undiciRequest(`${api.url}/v1/summaries`, {
      method: 'POST',
      headers,
      body: Readable.from([REQUEST]),
    });
    expect(sent.statusCode).toBe(202);
    await sent.body.dump();
    const body = new Blob([REQUEST]).stream();
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    expect((await fetch(`${api.url}/v1/summaries`, init)).status).toBe(202);
  });

  it('that is cut off starts nothing, and the server goes on answering others', async () => {
    await cutOff(
      api.port,
      head('POST', '/v1/summaries', JSON_TYPE, `Content-Length: ${REQUEST.length}`),
      '{',
    );
    await cutOff(
      api.port,
      head('POST', '/v1/summaries', JSON_TYPE, CHUNKED),
      inChunks(REQUEST).subarray(0, 20),
    );
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    expect(logged).not.toContain('request failed');
  });
});

describe('every route', () => {
  it.each([
    ['no body', [], ''],
    ['a chunked body that it does not want', [CHUNKED, JSON_TYPE], inChunks('{}')],
    ['a body with a length that it does not want', ['Content-Length: 2', JSON_TYPE], '{}'],
  ] as const)('answers a request with %s', async (_, headers, body) => {
    for (const { method, path } of routes) {
      const response = await one(head(method, path, ...headers), ...(body === '' ? [] : [body]));
      expect([method, path, response.status < 500 || response.status === 501]).toEqual([method, path, true]);
    }
  });

  it('answers requests in a row on one connection, in their order', async () => {
    const post = `POST /v1/summaries HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\n${CHUNKED}\r\n\r\n`;
    const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const all = Buffer.concat([
      Buffer.from(post),
      inChunks(REQUEST),
      Buffer.from(get),
      Buffer.from(head('GET', '/v1/summaries')),
    ]);
    const responses = await sendRaw(api.port, all);
    expect(responses.map(({ status }) => status)).toEqual([202, 200, 200]);
  });
});

describe('an upload', () => {
  const bytes = 'x'.repeat(MAX_UPLOAD_BYTES + 1);

  it.each([
    ['in chunks', [head('POST', '/v1/files', CHUNKED), inChunks('a', 'bc')], 201],
    ['with a length', [head('POST', '/v1/files', 'Content-Length: 3'), 'abc'], 201],
    [
      'after 100 Continue',
      [head('POST', '/v1/files', 'Expect: 100-continue', 'Content-Length: 3'), 'abc'],
      201,
    ],
    ['without bytes', [head('POST', '/v1/files', CHUNKED), '0\r\n\r\n'], 422],
    ['above the limit in chunks', [head('POST', '/v1/files', CHUNKED), inChunks(bytes).subarray(0, -5)], 413],
    [
      'above the limit by its length',
      [head('POST', '/v1/files', `Content-Length: ${bytes.length}`), bytes],
      413,
    ],
  ] as const)('%s is answered', async (_, chunks, status) => {
    const response = await one(...chunks);
    expect(response.status).toBe(status);
    if (status === 413) expect(response.headers.connection).toBe('close');
  });
});
