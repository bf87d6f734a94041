import { describe, expect, it } from 'vitest';
import { MAX_JSON_BYTES } from '../../api/app/index.ts';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { Problem } from '../../schema/problem.ts';
import { type Harness, withApp } from './harness.ts';

const JOB = `sum_${'a'.repeat(26)}`;
const FILE = `file_${'a'.repeat(26)}`;
const VIDEO = { source: { type: 'video', url: 'https://example.com/v.mp4' } };

interface Case {
  readonly name: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly code: ErrorCode;
  /** Path of the field that the problem must name. */
  readonly field?: string;
}

function ofRequest(name: string, body: unknown, field: string): Case {
  return { name, path: '/v1/summaries', method: 'POST', body, code: 'invalid_request', field };
}

const CASES: readonly Case[] = [
  { name: 'an empty number', path: '/v1/summaries?limit=', code: 'invalid_request', field: 'query.limit' },
  {
    name: 'a number in hexadecimal',
    path: '/v1/summaries?limit=0x10',
    code: 'invalid_request',
    field: 'query.limit',
  },

  {
    name: 'malformed JSON',
    path: '/v1/summaries',
    method: 'POST',
    body: '{"source":',
    code: 'invalid_request',
  },
  { name: 'an empty body', path: '/v1/summaries', method: 'POST', body: '', code: 'invalid_request' },
  {
    name: 'brackets a hundred thousand deep',
    path: '/v1/summaries',
    method: 'POST',
    body: '['.repeat(1e5),
    code: 'invalid_request',
  },
  ofRequest('a body that is no object', [], ''),
  ofRequest('null', null, ''),
  ofRequest('no source', {}, 'source'),
  ofRequest(
    'a source of unknown type',
    { source: { type: 'audio', url: 'https://a.example/' } },
    'source.type',
  ),
  ofRequest('a source with neither file nor address', { source: { type: 'video' } }, 'source'),
  ofRequest('a source with file and address', { source: { ...VIDEO.source, file_id: FILE } }, 'source'),
  ofRequest(
    'an address that is no web address',
    { source: { type: 'video', url: 'file:///etc/passwd' } },
    'source.url',
  ),
  ofRequest(
    'an address with a user name and a password',
    { source: { type: 'video', url: 'https://user:pass@example.com/v.mp4' } },
    'source.url',
  ),
  ofRequest(
    'an address of a deck with a user name',
    { source: { type: 'deck', url: 'https://user@example.com/d.pdf' } },
    'source.url',
  ),
  ofRequest(
    'an address of subtitles with a token as its user name',
    { source: { ...VIDEO.source, subtitles: { url: 'https://token@example.com/v.srt' } } },
    'source.subtitles.url',
  ),
  ofRequest(
    'an address of slides with a password, in which a backslash hides the host',
    { source: { ...VIDEO.source, deck: { url: 'https:\\\\user:pass@example.com\\d.pdf' } } },
    'source.deck.url',
  ),
  ofRequest(
    'one address of several with a password',
    { source: { type: 'images', urls: ['https://example.com/a.png', 'https://:pass@example.com/b.png'] } },
    'source.urls.1',
  ),
  ofRequest(
    'a file id of the wrong shape',
    { source: { type: 'deck', file_id: '../../etc' } },
    'source.file_id',
  ),
  ofRequest('an unknown member', { ...VIDEO, promt: 'x' }, 'promt'),
  ofRequest('an unknown nested member', { ...VIDEO, sampling: { fsp: 2 } }, 'sampling.fsp'),
  ofRequest('a number as text', { ...VIDEO, start_time: '5' }, 'start_time'),
  ofRequest('a negative time', { ...VIDEO, start_time: -1 }, 'start_time'),
  ofRequest('an end before the start', { ...VIDEO, start_time: 5, end_time: 5 }, 'end_time'),
  ofRequest('a fraction of a picture', { ...VIDEO, sampling: { max_frames: 1.5 } }, 'sampling.max_frames'),
  ofRequest('pages that are no ranges', { ...VIDEO, pages: '1-' }, 'pages'),
  ofRequest('an unknown detail', { ...VIDEO, detail: 'ultra' }, 'detail'),
  ofRequest('a prompt without words', { ...VIDEO, prompt: '   ' }, 'prompt'),
  ofRequest('a prompt of 4,001 characters', { ...VIDEO, prompt: 'a'.repeat(4001) }, 'prompt'),
  ofRequest('an empty list of images', { source: { type: 'images', urls: [] } }, 'source.urls'),
  ofRequest('metadata that is no text', { ...VIDEO, metadata: { a: 1 } }, 'metadata.a'),
  ofRequest(
    '17 members of metadata',
    { ...VIDEO, metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [n, ''])) },
    'metadata',
  ),
  {
    name: 'an empty key',
    path: '/v1/summaries',
    method: 'POST',
    body: VIDEO,
    headers: { 'Idempotency-Key': '""' },
    code: 'invalid_request',
  },
  {
    name: 'a key that is half a string',
    path: '/v1/summaries',
    method: 'POST',
    body: VIDEO,
    headers: { 'Idempotency-Key': '"a' },
    code: 'invalid_request',
  },
  {
    name: 'a key of 256 characters',
    path: '/v1/summaries',
    method: 'POST',
    body: VIDEO,
    headers: { 'Idempotency-Key': 'a'.repeat(256) },
    code: 'invalid_request',
  },
  {
    name: 'a key beyond ASCII',
    path: '/v1/summaries',
    method: 'POST',
    body: VIDEO,
    headers: { 'Idempotency-Key': 'sch\u00f6n' },
    code: 'invalid_request',
  },
  {
    name: 'a wait that is no number',
    path: '/v1/summaries?wait=long',
    method: 'POST',
    body: VIDEO,
    code: 'invalid_request',
    field: 'query.wait',
  },
  {
    name: 'a wait of 61 seconds',
    path: '/v1/summaries?wait=61',
    method: 'POST',
    body: VIDEO,
    code: 'invalid_request',
    field: 'query.wait',
  },
  {
    name: 'no content type',
    path: '/v1/summaries',
    method: 'POST',
    body: VIDEO,
    headers: { 'Content-Type': '' },
    code: 'unsupported_content_type',
  },
  {
    name: 'a form',
    path: '/v1/summaries',
    method: 'POST',
    body: 'a=b',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    code: 'unsupported_content_type',
  },
  {
    name: 'XML',
    path: '/v1/summaries',
    method: 'POST',
    body: '<a/>',
    headers: { 'Content-Type': 'text/xml' },
    code: 'unsupported_content_type',
  },
  {
    name: 'a body above a megabyte',
    path: '/v1/summaries',
    method: 'POST',
    body: 'a'.repeat(MAX_JSON_BYTES + 1),
    code: 'payload_too_large',
  },
  {
    name: 'an announced body above a megabyte',
    path: '/v1/summaries',
    method: 'POST',
    body: '{}',
    headers: { 'Content-Length': '1000001' },
    code: 'payload_too_large',
  },
  { name: 'a list limit of 0', path: '/v1/summaries?limit=0', code: 'invalid_request', field: 'query.limit' },
  { name: 'a cursor that is none', path: '/v1/summaries?cursor=xyz', code: 'invalid_request' },
  {
    name: 'an address of 9,000 characters',
    path: `/v1/summaries?cursor=${'a'.repeat(9000)}`,
    code: 'invalid_request',
  },
  {
    name: 'a header of 9,000 characters',
    path: '/v1/summaries',
    headers: { 'X-Long': 'a'.repeat(9000) },
    code: 'invalid_request',
  },
  { name: 'an unknown job', path: `/v1/summaries/${JOB}`, code: 'not_found' },
  { name: 'a job id of the wrong shape', path: '/v1/summaries/sum_1', code: 'not_found' },
  { name: 'a job id with a path in it', path: '/v1/summaries/..%2f..%2fetc', code: 'not_found' },
  { name: 'events of an unknown job', path: `/v1/summaries/${JOB}/events`, code: 'not_found' },
  {
    name: 'a last event that is no number',
    path: `/v1/summaries/${JOB}/events`,
    headers: { 'Last-Event-ID': 'x' },
    code: 'invalid_request',
    field: 'header.last-event-id',
  },
  { name: 'frames of an unknown job', path: `/v1/summaries/${JOB}/frames`, code: 'not_found' },
  { name: 'a frame with an unknown number', path: `/v1/summaries/${JOB}/frames/-1.jpg`, code: 'not_found' },
  { name: 'a picture of another kind', path: `/v1/summaries/${JOB}/frames/1.png`, code: 'not_found' },
  {
    name: 'cancelling an unknown job',
    path: `/v1/summaries/${JOB}/cancel`,
    method: 'POST',
    code: 'not_found',
  },
  { name: 'deleting an unknown job', path: `/v1/summaries/${JOB}`, method: 'DELETE', code: 'not_found' },
  { name: 'an unknown file', path: `/v1/files/${FILE}`, code: 'not_found' },
  { name: 'deleting an unknown file', path: `/v1/files/${FILE}`, method: 'DELETE', code: 'not_found' },
  { name: 'an empty upload', path: '/v1/files', method: 'POST', body: '', code: 'empty_source' },
  {
    name: 'an upload in parts that are no form',
    path: '/v1/files',
    method: 'POST',
    body: 'x',
    headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
    code: 'unsupported_content_type',
  },
  {
    name: 'an upload as a form without a file',
    path: '/v1/files',
    method: 'POST',
    body: '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n',
    headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
    code: 'invalid_request',
  },
  {
    name: 'an upload as a form that is cut off',
    path: '/v1/files',
    method: 'POST',
    body: '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf',
    headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
    code: 'invalid_request',
  },
  {
    name: 'an upload above the limit',
    path: '/v1/files',
    method: 'POST',
    body: 'a'.repeat(1_000_001),
    code: 'payload_too_large',
  },
  {
    name: 'an announced upload above the limit',
    path: '/v1/files',
    method: 'POST',
    body: 'a',
    headers: { 'Content-Length': '1000001' },
    code: 'payload_too_large',
  },
  { name: 'an address that is none', path: '/v2/summaries', code: 'not_found' },
  { name: 'PUT of the jobs', path: '/v1/summaries', method: 'PUT', code: 'method_not_allowed' },
  { name: 'POST of a job', path: `/v1/summaries/${JOB}`, method: 'POST', code: 'method_not_allowed' },
  { name: 'GET of a cancellation', path: `/v1/summaries/${JOB}/cancel`, code: 'method_not_allowed' },
  { name: 'GET of the uploads', path: '/v1/uploads', code: 'method_not_allowed' },
  { name: 'DELETE of the contract', path: '/openapi.json', method: 'DELETE', code: 'method_not_allowed' },
];

function send(
  app: Harness['app'],
  { path, method = 'GET', body, headers = {} }: Case,
): Response | Promise<Response> {
  const all = new Headers({
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...headers,
  });
  if (headers['Content-Type'] === '') all.delete('Content-Type');
  if (body === undefined) return app.request(path, { method, headers: all });
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  // Bytes, because text would bring a content type of its own.
  return app.request(path, { method, headers: all, body: new TextEncoder().encode(text) });
}

describe('a bad request', () => {
  it.each(CASES)('$name is $code', (sample) =>
    withApp(async ({ app, orchestrator, store, logged }) => {
      const response = await send(app, sample);
      const problem = Problem.parse(await response.json());
      expect(problem).toMatchObject({
        code: sample.code,
        status: ERRORS[sample.code].status,
        type: `/docs#error-${sample.code}`,
        request_id: response.headers.get('X-Request-Id'),
      });
      expect(response.status).toBe(ERRORS[sample.code].status);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
      if (sample.field !== undefined)
        expect(problem.errors?.map((error) => error.path)).toContain(sample.field);
      expect(JSON.stringify(problem).length).toBeLessThan(4000);
      expect(orchestrator.runs).toBe(0);
      for await (const name of store.list('')) expect.unreachable(`${name} was stored`);
      expect(logged).toEqual([]);
    }),
  );

  it('names the methods that are allowed', () =>
    withApp(async ({ app }) => {
      const response = await app.request(`/v1/summaries/${JOB}`, { method: 'PATCH' });
      expect(response.headers.get('Allow')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD']);
    }));

  it('names every field that is wrong', () =>
    withApp(async ({ post }) => {
      const response = await post('/v1/summaries', { ...VIDEO, detail: 1, start_time: 'x', nonsense: true });
      const { errors } = Problem.parse(await response.json());
      expect(errors?.map((error) => error.path).sort()).toEqual(['detail', 'nonsense', 'start_time']);
    }));
});

describe('an unexpected failure', () => {
  it('is internal, is logged with its cause, and shows nothing of it', () =>
    withApp(async ({ app, orchestrator, logged }) => {
      orchestrator.describe = () => Promise.reject(new Error('password=hunter2 at /srv/secret.ts'));
      const response = await app.request(`/v1/summaries/${JOB}`, { headers: { 'X-Request-Id': 'abc' } });
      expect(response.status).toBe(500);
      expect(await response.text()).not.toMatch(/hunter2|secret/);
      expect(logged).toMatchObject([{ level: 'error', fields: { request_id: 'abc', code: 'internal' } }]);
      expect(logged[0]?.fields.error).toBeInstanceOf(Error);
    }));
});

describe('every response', () => {
  it.each(['/healthz', '/docs', '/v1/summaries', '/nothing', `/v1/summaries/${JOB}`])(
    'of %s carries the security headers',
    (path) =>
      withApp(async ({ app }) => {
        const { headers } = await app.request(path, { headers: { 'X-Request-Id': 'trace-1' } });
        expect(headers.get('X-Request-Id')).toBe('trace-1');
        expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
        expect(headers.get('Content-Security-Policy')).toMatch(/default-src '(none|self)'/);
        expect(headers.get('Content-Security-Policy')).not.toMatch(/unsafe/);
        expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
      }),
  );

  it('replaces a request id that could corrupt a log', () =>
    withApp(async ({ app }) => {
      const { headers } = await app.request('/healthz', { headers: { 'X-Request-Id': 'a b' } });
      expect(headers.get('X-Request-Id')).toMatch(/^req_[0-9a-f-]{36}$/);
    }));
});
