/** An endpoint of the test's own, which says what no well-behaved one does. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSse } from '../../core/sse.ts';
import {
  connectEndpoint,
  type EndpointOptions,
  encodePaddedImage,
  type GenerateRequest,
  hdTransform,
  type RemoteGenerator,
} from '../../phi3v/index.ts';
import { COLOURS, drawCircle } from './support.ts';

interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  /** The JSON of the request, if it had any. */
  readonly body: Record<string, unknown>;
}

interface Scripted {
  readonly remote: RemoteGenerator;
  readonly url: string;
  readonly asked: Asked[];
}

const MODELS = { object: 'list', data: [{ id: 'first' }, { id: 'second' }] };
const HELLO: GenerateRequest = { prompt: [{ text: 'Hello' }], images: [], maxTokens: 10 };

const chunk = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}/v1`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Runs `use` with a generator whose endpoint answers each prompt by `answer`. */
async function withEndpoint(
  answer: (response: ServerResponse, asked: Asked) => void,
  use: (scripted: Scripted) => Promise<void>,
  options: Partial<EndpointOptions> = {},
): Promise<void> {
  const asked: Asked[] = [];
  await using server = await listen((request, response, body) => {
    const { url: path = '', headers } = request;
    const one: Asked = {
      path,
      authorization: headers.authorization,
      body: body === '' ? {} : (JSON.parse(body) as Record<string, unknown>), // an object, by the interface
    };
    asked.push(one);
    if (path === '/v1/models') response.end(JSON.stringify(MODELS));
    else answer(response, one);
  });
  await using remote = await connectEndpoint({ url: server.url, ...options });
  await use({ remote, url: server.url, asked });
}

/** An endpoint that streams `parts`, each as a chunk of its own. */
const streaming =
  (...parts: readonly (string | Uint8Array)[]) =>
  (response: ServerResponse): void => {
    response.setHeader('content-type', 'text/event-stream');
    for (const part of parts) response.write(part);
    response.end();
  };

/** An endpoint that answers with an error. */
const failing =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

describe('what an endpoint is asked', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'frameloom-remote-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is complete: turns, images as PNG in their positions, sampling, stops, key', async () => {
    const picture = join(folder, 'picture.bin');
    await writeFile(picture, encodePaddedImage(hdTransform(drawCircle(COLOURS.red, COLOURS.blue, 0), 4)));
    await withEndpoint(
      streaming(chunk('ok', 'stop'), 'data: [DONE]\n\n'),
      async ({ remote, asked }) => {
        await remote.generate({
          prompt: [
            { role: 'system' },
            { text: 'Be ' },
            { text: 'brief.' },
            { role: 'user' },
            { text: '1:\n' },
            { image: 0 },
            { text: '\nWhat?' },
          ],
          images: [{ key: 'k', path: picture }],
          maxTokens: 7,
          sampling: { temperature: 0.5, topP: 0.9, topK: 40, repetitionPenalty: 1.1, seed: 3 },
          stop: ['\n'],
        });
        const [models, chat] = asked;
        expect([models?.path, chat?.path]).toEqual(['/v1/models', '/v1/chat/completions']);
        expect([models?.authorization, chat?.authorization]).toEqual(['Bearer secret', 'Bearer secret']);
        expect(chat?.body).toEqual({
          model: 'second',
          messages: [
            { role: 'system', content: 'Be brief.' },
            {
              role: 'user',
              content: [
                { type: 'text', text: '1:\n' },
                {
                  type: 'image_url',
                  image_url: { url: expect.stringMatching(/^data:image\/png;base64,iVBOR/) },
                },
                { type: 'text', text: '\nWhat?' },
              ],
            },
          ],
          max_tokens: 7,
          stream: true,
          stream_options: { include_usage: true },
          temperature: 0.5,
          top_p: 0.9,
          top_k: 40,
          repetition_penalty: 1.1,
          seed: 3,
          stop: ['\n'],
          mm_processor_kwargs: { num_crops: 4 },
        });
      },
      { key: 'secret', model: 'second' },
    );
  });

  it('requests greedy decoding of the first model by default, without extensions', async () => {
    await withEndpoint(
      streaming(chunk('ok', 'stop')),
      async ({ remote, asked }) => {
        await remote.generate(HELLO);
        expect(asked[1]?.body).toEqual({
          model: 'first',
          messages: [{ role: 'user', content: 'Hello' }],
          max_tokens: 10,
          stream: true,
          stream_options: { include_usage: true },
          temperature: 0,
        });
        expect(asked[1]?.authorization).toBeUndefined();
        expect(remote.info).toEqual({
          runtime: 'openai-compatible endpoint first',
          maxConcurrency: 3,
          supportsResume: false,
        });
      },
      { model: 'one that it does not have', maxConcurrency: 3 },
    );
  });
});

describe('the stream of a response', () => {
  it('is read alike wherever its chunks are cut, with comments, CR LF and fields of no interest', async () => {
    const text = [
      ': hello\n\n',
      'event: message\nid: 7\n',
      chunk('Grüße '),
      'retry: 5\n\n',
      chunk('an 🙂').replaceAll('\n', '\r\n'),
      ': still here\r\n\r\n',
      'data: {"choices":[{"delta":{},\ndata: "finish_reason":"stop"}]}\n\n',
      'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3}}\n\n',
      'data: [DONE]\n\n',
    ].join('');
    const bytes = new TextEncoder().encode(text);
    const read = async (sizes: number): Promise<readonly string[]> => {
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += sizes) yield bytes.subarray(at, at + sizes);
      }
      const data: string[] = [];
      for await (const message of readSse(pieces())) data.push(message.data);
      return data;
    };
    const whole = await read(bytes.length);
    expect(whole).toHaveLength(5);
    for (let size = 1; size < 40; size += 1) expect(await read(size)).toEqual(whole);
    await withEndpoint(streaming(...Array.from(bytes, (byte) => Uint8Array.of(byte))), async ({ remote }) => {
      const pieces: string[] = [];
      const answer = await remote.generate(HELLO, { onText: (piece) => pieces.push(piece) });
      expect(answer).toMatchObject({
        text: 'Grüße an 🙂',
        finishReason: 'stop',
        promptTokens: 5,
        outputTokens: 3,
      });
      expect(pieces).toEqual(['Grüße ', 'an 🙂']);
    });
  });

  it.each<[what: string, parts: readonly string[], code: string]>([
    ['is cut off', [chunk('half')], 'crashed'],
    ['is empty', [], 'crashed'],
    ['is no JSON', ['data: {"choices"\n\n'], 'runtime'],
    ['is something else', ['data: {"choices":[{"delta":{"content":5}}]}\n\n'], 'runtime'],
    ['ends for another reason', [chunk('no', 'content_filter')], 'runtime'],
    ['breaks off with an error', [chunk('half'), 'data: {"error":{"message":"CUDA"}}\n\n'], 'crashed'],
    [
      'says too late that it does not fit',
      ['data: {"error":{"message":"m","code":"context_length_exceeded"}}\n\n'],
      'context_exceeded',
    ],
  ])('that %s fails as %3$s', async (_what, parts, code) => {
    await withEndpoint(streaming(...parts), async ({ remote }) => {
      await expect(remote.generate(HELLO)).rejects.toMatchObject({ name: 'ModelError', code });
    });
  });

  it('that is cut in the middle of the connection fails as crashed', async () => {
    const cutting = (response: ServerResponse): void => {
      response.write(chunk('half'), () => response.destroy());
    };
    await withEndpoint(cutting, async ({ remote }) => {
      await expect(remote.generate(HELLO)).rejects.toMatchObject({ code: 'crashed' });
    });
  });

  it('rejects with unavailable when the first chunk does not arrive in time', async () => {
    await withEndpoint(
      (response) => void response.flushHeaders(),
      async ({ remote }) => {
        await expect(remote.generate(HELLO)).rejects.toMatchObject({
          code: 'unavailable',
          message: 'The model endpoint did not start its response in time.',
        });
      },
      { firstTokenTimeoutMs: 50 },
    );
  });

  it('rejects with unavailable when a later chunk does not arrive in time', async () => {
    await withEndpoint(
      (response) => void response.write(chunk('half')),
      async ({ remote }) => {
        await expect(remote.generate(HELLO)).rejects.toMatchObject({
          code: 'unavailable',
          message: 'The model endpoint stopped sending during its response.',
        });
      },
      { tokenTimeoutMs: 50 },
    );
  });

  it('is cut by a cancel, which the endpoint sees', async () => {
    let gone = (): void => {};
    const seen = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const waiting = (response: ServerResponse): void => {
      response.on('close', () => gone());
      response.write(chunk('half'));
    };
    await withEndpoint(waiting, async ({ remote }) => {
      const abort = new AbortController();
      const answer = remote.generate(HELLO, { signal: abort.signal, onText: () => abort.abort() });
      await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
      await seen;
    });
  });
});

describe('an error response', () => {
  const error = (message: string, code: unknown = null): object => ({ error: { message, type: 't', code } });

  it.each<[status: number, body: unknown, code: string]>([
    [400, error('bad'), 'rejected'],
    [422, 'what?', 'rejected'],
    [405, '', 'rejected'],
    [410, '', 'rejected'],
    [425, '', 'unavailable'],
    [400, error('too long', 'context_length_exceeded'), 'context_exceeded'],
    // As vLLM says it, in its newer and its older form.
    [400, error("This model's maximum context length is 4096 tokens.", 400), 'context_exceeded'],
    [
      400,
      { object: 'error', message: 'longer than the maximum model length of 9', code: 400 },
      'context_exceeded',
    ],
    [413, 'Payload Too Large', 'context_exceeded'],
    [400, error('no picture', 'invalid_image'), 'image_invalid'],
    [400, error('no memory', 'model_memory_exceeded'), 'memory_exceeded'],
    [404, error('no model', 'model_not_found'), 'model_missing'],
    [404, '<html>', 'model_missing'],
    [401, error('key'), 'rejected'],
    [403, '', 'rejected'],
    [500, error('boom'), 'crashed'],
    [502, '<html>', 'unavailable'],
    [503, '', 'unavailable'],
    [429, error('later'), 'unavailable'],
  ])('%i %j is %s', async (status, body, code) => {
    await withEndpoint(failing(status, body), async ({ remote }) => {
      await expect(remote.generate(HELLO)).rejects.toMatchObject({ name: 'ModelError', code });
    });
  });

  it('names the setting when the key is rejected, and repeats nothing that the endpoint returned', async () => {
    await withEndpoint(failing(401, error('at /srv/secret.py')), async ({ remote }) => {
      const message = expect.stringMatching(/^(?!.*secret\.py).*FRAMELOOM_MODEL_KEY/);
      await expect(remote.generate(HELLO)).rejects.toMatchObject({ message });
    });
  });

  it('reports when to retry, in seconds or as a date, within a limit', async () => {
    const wait = async (value: string): Promise<unknown> => {
      let seen: unknown;
      await withEndpoint(failing(503, '', { 'retry-after': value }), async ({ remote }) => {
        seen = await remote.generate(HELLO).catch((reason: { retryAfterMs?: number }) => reason.retryAfterMs);
      });
      return seen;
    };
    expect(await wait('7')).toBe(7000);
    expect(await wait('99999')).toBe(600_000);
    expect(await wait('Thu, 01 Jan 1970 00:00:00 GMT')).toBe(0);
    expect(await wait('soon')).toBeUndefined();
  });

  it('a redirect is not followed, and the key goes nowhere else', async () => {
    let reached = 0;
    await using elsewhere = await listen((_request, response) => {
      reached += 1;
      response.end();
    });
    const redirecting = failing(307, '', { location: elsewhere.url });
    await withEndpoint(
      redirecting,
      async ({ remote }) => {
        await expect(remote.generate(HELLO)).rejects.toMatchObject({ code: 'rejected' });
        expect(reached).toBe(0);
      },
      { key: 'secret' },
    );
  });
});

describe('connecting', () => {
  it.each<[what: string, status: number, body: string, code: string]>([
    ['does not know the key', 401, '', 'rejected'],
    ['has no such address', 404, '', 'model_missing'],
    ['is not ready', 503, '', 'unavailable'],
    ['is something else', 200, '<html>', 'runtime'],
    ['serves nothing', 200, '{"data":[]}', 'runtime'],
  ])('to what %s fails as %4$s', async (_what, status, body, code) => {
    await using server = await listen((_request, response) => failing(status, body)(response));
    await expect(connectEndpoint({ url: server.url })).rejects.toMatchObject({ code });
  });

  it('to where nothing listens fails as unavailable', async () => {
    const { url } = await listen(() => undefined).then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    await expect(connectEndpoint({ url })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('to what never answers fails as unavailable', async () => {
    await using server = await listen(() => undefined);
    await expect(connectEndpoint({ url: server.url, connectTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});
