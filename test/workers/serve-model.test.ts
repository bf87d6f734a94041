import { readdir, readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../onnx/index.ts';
import {
  decodePaddedImage,
  type GenerateOptions,
  type GenerateRequest,
  type Generation,
  type Generator,
  hdTransform,
  type PaddedImage,
  type RgbImage,
} from '../../phi3v/index.ts';
import { startModelServer } from '../../workers/serve-model/server.ts';
import { COLOURS, drawCircle } from '../phi3v/support.ts';
import { inChunks, sendRaw } from '../support/raw-http.ts';
import { type ServedModel, type ServeOptions, serveGenerator, tinyProfile } from './served-model.ts';

interface Recorder extends Generator {
  readonly requests: GenerateRequest[];
  /** The images of the requests, read before their files are deleted. */
  readonly images: PaddedImage[];
}

type Answer = (request: GenerateRequest, options: GenerateOptions) => Promise<Partial<Generation>>;

/** A generator that notes what it is asked and answers `fine`, or what `answer` makes. */
function recorder(answer: Answer = async () => ({})): Recorder {
  const requests: GenerateRequest[] = [];
  const images: PaddedImage[] = [];
  return {
    requests,
    images,
    info: { runtime: 'recorder', maxConcurrency: 1, supportsResume: false },
    generate: async (request, options = {}) => {
      requests.push(request);
      for (const { path } of request.images) images.push(decodePaddedImage(await readFile(path)));
      return {
        tokens: [],
        text: 'fine',
        finishReason: 'stop',
        promptTokens: 5,
        imageTokens: 3,
        outputTokens: 2,
        modelSeconds: 0.5,
        visionCalls: 1,
        averageBatchSize: 1,
        ...(await answer(request, options)),
      };
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function served(
  generator: Generator,
  use: (model: ServedModel) => Promise<void>,
  options: ServeOptions = {},
): Promise<void> {
  await using model = await serveGenerator(generator, options);
  await use(model);
}

const HELLO = { model: 'tiny-phi3v', messages: [{ role: 'user', content: 'Hello' }] };

function post({ url }: ServedModel, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
}

const requestHead = (...headers: readonly string[]): string =>
  [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    ...headers,
    'Connection: close',
    '',
    '',
  ].join('\r\n');

interface Refusal {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string;
    readonly code: string;
  };
}

/** Status and error of an answer, which must be one. */
async function refusal(response: Response): Promise<Refusal['error'] & { readonly status: number }> {
  const { error } = (await response.json()) as Refusal; // a missing field fails the test
  return { status: response.status, ...error };
}

const withPicture = (url: string, more: object = {}): object => ({
  ...HELLO,
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url, ...more } }] }],
});

async function dataUrl(image: RgbImage, format: 'png' | 'jpeg' | 'webp'): Promise<string> {
  const { data, width, height } = image;
  const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
    // A quality would reduce the colours of a PNG.
    .toFormat(format, format === 'png' ? {} : { quality: 100 })
    .toBuffer();
  return `data:image/${format};base64,${bytes.toString('base64')}`;
}

describe('a chat completion', () => {
  it('takes back a message of a completion with all the members that clients give it', async () => {
    const generator = recorder();
    await served(generator, async (model) => {
      // As `message.model_dump()` of OpenAI's Python client and `JSON.stringify(message)` of the other.
      const dumped = { content: 'I.', refusal: null, role: 'assistant', annotations: null, audio: null };
      const response = await post(model, {
        ...HELLO,
        tools: null,
        messages: [
          { role: 'user', content: 'Who?', name: null },
          { ...dumped, function_call: null, tool_calls: null },
          { role: 'user', content: 'And?' },
          { role: 'assistant', content: 'You.', refusal: null, annotations: [], tool_calls: [] },
          { role: 'user', content: 'And?' },
          { role: 'assistant', content: null, refusal: 'No.' },
          { role: 'user', content: [{ type: 'text', text: 'Why?' }] },
        ],
      });
      expect(response.status).toBe(200);
      const said = generator.requests[0]?.prompt.flatMap((part) => ('text' in part ? [part.text] : []));
      expect(said).toEqual(['Who?', 'I.', 'And?', 'You.', 'And?', 'No.', 'Why?']);
    });
  });

  it.each([
    [
      'in chunks',
      (text: string) => [
        requestHead('Transfer-Encoding: chunked'),
        inChunks(text.slice(0, 9), text.slice(9)),
      ],
      200,
    ],
    [
      'after 100 Continue',
      (text: string) => [requestHead('Expect: 100-continue', `Content-Length: ${text.length}`), text],
      200,
    ],
    [
      'compressed',
      (text: string) => [requestHead('Content-Encoding: gzip', 'Transfer-Encoding: chunked'), inChunks(text)],
      415,
    ],
    ['above the limit', () => [requestHead(`Content-Length: ${2 ** 30}`)], 413],
  ] as const)('of a body that is sent %s is answered', async (_, framing, status) => {
    await served(recorder(), async (model) => {
      const port = Number(new URL(model.url).port);
      const [response] = await sendRaw(port, ...framing(JSON.stringify(HELLO)));
      expect(response?.status).toBe(status);
      expect(JSON.parse(response?.body ?? '')).toHaveProperty(status === 200 ? 'choices' : 'error.message');
    });
  });

  it.each([
    ['64 characters and a line feed', 64, '\n'],
    ['76 characters and CR LF', 76, '\r\n'],
  ])('takes an image whose base64 has lines of %s', async (_, length, lineBreak) => {
    const generator = recorder();
    const image = drawCircle(COLOURS.red, COLOURS.blue, 0);
    await served(generator, async (model) => {
      const [head = '', text = ''] = (await dataUrl(image, 'png')).split(',');
      const lines = text.match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
      const broken = `${head},${lines.join(lineBreak)}${lineBreak}`;
      expect((await post(model, withPicture(broken))).status).toBe(200);
      expect((await post(model, withPicture(`${head},${text}`))).status).toBe(200);
      expect(generator.images[0]).toEqual(generator.images[1]);
    });
  });

  it('passes on every turn and every setting', async () => {
    const generator = recorder();
    await served(generator, async (model) => {
      const response = await post(model, {
        model: 'tiny-phi3v',
        messages: [
          { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
          { role: 'user', content: 'Who?' },
          { role: 'assistant', content: 'I.' },
          { role: 'user', content: 'What?' },
        ],
        max_completion_tokens: 9,
        temperature: 0.7,
        top_p: 0.9,
        top_k: -1,
        repetition_penalty: 1.1,
        seed: 4,
        stop: 'x',
        n: 1,
        user: 'u',
        logit_bias: null,
        response_format: { type: 'text' },
      });
      expect(response.status).toBe(200);
      expect(generator.requests).toEqual([
        {
          prompt: [
            { role: 'system' },
            { text: 'Be brief.' },
            { role: 'user' },
            { text: 'Who?' },
            { role: 'assistant' },
            { text: 'I.' },
            { role: 'user' },
            { text: 'What?' },
          ],
          images: [],
          maxTokens: 9,
          sampling: { temperature: 0.7, topP: 0.9, topK: 0, repetitionPenalty: 1.1, seed: 4 },
          stop: ['x'],
        },
      ]);
    });
  });

  it('is greedy, has a random seed, and ends at 1024 tokens by default', async () => {
    const generator = recorder();
    await served(generator, async (model) => {
      await post(model, HELLO);
      await post(model, HELLO);
      const [first, second] = generator.requests;
      expect(first).toMatchObject({ maxTokens: 1024, stop: [], sampling: { temperature: 0 } });
      expect(first?.sampling?.seed).not.toBe(second?.sampling?.seed);
    });
  });

  it('returns a response in the format of OpenAI, with its usage', async () => {
    await served(recorder(), async (model) => {
      expect(await (await post(model, HELLO)).json()).toEqual({
        id: expect.stringMatching(/^chatcmpl-/),
        object: 'chat.completion',
        created: expect.any(Number),
        model: 'tiny-phi3v',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'fine', refusal: null },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
        usage: {
          prompt_tokens: 5,
          completion_tokens: 2,
          total_tokens: 7,
          prompt_tokens_details: { cached_tokens: 0, image_tokens: 3 },
        },
        frameloom: { finish_reason: 'stop', model_seconds: 0.5, vision_calls: 1, average_batch_size: 1 },
      });
    });
  });

  it('that was cut at a repetition has finish reason `stop`, and reports the repetition separately', async () => {
    const loop: Answer = async () => ({ finishReason: 'repetition', text: 'once' });
    await served(recorder(loop), async (model) => {
      expect(await (await post(model, HELLO)).json()).toMatchObject({
        choices: [{ finish_reason: 'stop', message: { content: 'once' } }],
        frameloom: { finish_reason: 'repetition' },
      });
    });
  });
});

describe('an image', () => {
  it('that was prepared for the model arrives with the same pixels', async () => {
    const sizes: readonly [width: number, height: number, crops: number][] = [
      [640, 360, 1],
      [640, 360, 4],
      [360, 640, 4],
      [1000, 90, 16],
      [500, 500, 16],
    ];
    const noise = (width: number, height: number): RgbImage => ({
      width,
      height,
      data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 2654435761) >>> 24),
    });
    for (const [width, height, crops] of sizes) {
      const generator = recorder();
      await served(generator, async (model) => {
        const padded = hdTransform(noise(width, height), crops);
        const body = {
          ...withPicture(await dataUrl(padded, 'png')),
          mm_processor_kwargs: { num_crops: crops },
        };
        expect((await post(model, body)).status).toBe(200);
        const [arrived] = generator.images;
        expect([arrived?.width, arrived?.height, arrived?.numCrops]).toEqual([
          padded.width,
          padded.height,
          crops,
        ]);
        expect(Buffer.compare(arrived?.data ?? new Uint8Array(), padded.data)).toBe(0);
      });
    }
  });

  it.each(['png', 'jpeg', 'webp'] as const)('is read from %s', async (format) => {
    const generator = recorder();
    await served(generator, async (model) => {
      const picture = drawCircle(COLOURS.red, COLOURS.blue, 0);
      expect((await post(model, withPicture(await dataUrl(picture, format)))).status).toBe(200);
      const [arrived] = generator.images;
      expect([arrived?.width, arrived?.height]).toEqual([336, 336]);
      // The corner is background, between bars of white.
      const [red = 255, green = 255, blue = 0] = arrived?.data.subarray((168 * 336 + 330) * 3) ?? [];
      expect(Math.max(Math.abs(red - 35), Math.abs(green - 80), Math.abs(blue - 215))).toBeLessThan(6);
    });
  });

  it('gets the crops that the profile has for its detail', async () => {
    const generator = recorder();
    const profile = { ...(await tinyProfile()), detail: { low: 1, medium: 4, high: 9 } };
    const url = await dataUrl(drawCircle(COLOURS.red, COLOURS.blue, 0), 'png');
    await served(
      generator,
      async (model) => {
        for (const more of [{ detail: 'low' }, {}, { detail: 'auto' }, { detail: 'high' }]) {
          await post(model, withPicture(url, more));
        }
      },
      { profile },
    );
    expect(generator.images.map(({ numCrops }) => numCrops)).toEqual([1, 4, 4, 9]);
  });

  it('has the same key as an equal image, and leaves no file behind', async () => {
    const generator = recorder();
    await served(generator, async (model) => {
      const [red, green] = await Promise.all([
        dataUrl(drawCircle(COLOURS.red, COLOURS.blue, 0), 'png'),
        dataUrl(drawCircle(COLOURS.green, COLOURS.blue, 0), 'png'),
      ]);
      for (const url of [red, green, red]) await post(model, withPicture(url));
      const [first, second, third] = generator.requests.map(({ images }) => images[0]?.key);
      expect(third).toBe(first);
      expect(second).not.toBe(first);
      expect(await readdir(model.scratch)).toEqual([]);
    });
  });

  it.each<[what: string, url: string, code: string]>([
    ['on another server', 'https://example.com/a.png', 'invalid_image_url'],
    ['in a file', 'file:///etc/passwd', 'invalid_image_url'],
    ['of another format', 'data:image/svg+xml;base64,PHN2Zy8+', 'invalid_image_url'],
    ['without base64', 'data:image/png,abc', 'invalid_image_url'],
    ['with a wrong character', 'data:image/png;base64,iVBO*w0KGgo=', 'invalid_image'],
    ['that is none', 'data:image/png;base64,PHN2Zy8+', 'invalid_image'],
    ['that is cut off', 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAE=', 'invalid_image'],
    ['that is too large', `data:image/png;base64,${'A'.repeat(28 * 2 ** 20)}`, 'invalid_image'],
  ])('%s is refused', async (_what, url, code) => {
    const generator = recorder();
    await served(generator, async (model) => {
      const error = await refusal(await post(model, withPicture(url)));
      expect(error).toMatchObject({ status: 400, code, param: 'messages[0].content[0].image_url.url' });
      expect(error.message).not.toContain(tmpdir());
      expect(generator.requests).toEqual([]);
      expect(await readdir(model.scratch)).toEqual([]);
    });
  });

  it('of too many pixels is rejected before it is decoded', async () => {
    // 2.4 million pixels of one colour, where this server takes two.
    const plain = sharp({ create: { width: 2000, height: 1200, channels: 3, background: 'red' } }).png();
    const url = `data:image/png;base64,${(await plain.toBuffer()).toString('base64')}`;
    await served(recorder(), async (model) => {
      expect(await refusal(await post(model, withPicture(url)))).toMatchObject({
        status: 400,
        code: 'invalid_image',
      });
    });
  });

  it('is one of 64 at most', async () => {
    const part = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } };
    const body = { ...HELLO, messages: [{ role: 'user', content: Array.from({ length: 65 }, () => part) }] };
    await served(recorder(), async (model) => {
      expect(await refusal(await post(model, body))).toMatchObject({ status: 400, code: 'too_many_images' });
    });
  });
});

describe('what is not supported', () => {
  const tool = { type: 'function', function: { name: 'f' } };
  it.each<[what: string, change: object, param: string]>([
    ['tools', { tools: [tool] }, 'tools'],
    ['several answers', { n: 2 }, 'n'],
    ['log probabilities', { logprobs: true }, 'logprobs'],
    ['JSON answers', { response_format: { type: 'json_object' } }, 'response_format'],
    ['a penalty that the sampler has not', { frequency_penalty: 1 }, 'frequency_penalty'],
    ['audio', { modalities: ['text', 'audio'] }, 'modalities'],
    ['a field that nobody knows', { temprature: 1 }, 'temprature'],
    ['no message', { messages: [] }, 'messages'],
    ['a message without content', { messages: [{ role: 'user' }] }, 'messages[0].content'],
    ['a result of a tool', { messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
    [
      'a call of a tool',
      { messages: [{ role: 'assistant', content: 'x', tool_calls: [{ id: 'call_1' }] }] },
      'messages[0].tool_calls',
    ],
    [
      'a part of another kind',
      { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
      'messages[0].content[0].type',
    ],
    [
      'a picture that the system shows',
      { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] },
      'messages[0].content[0].type',
    ],
    [
      'a system message in the middle',
      { messages: [...HELLO.messages, { role: 'system', content: 'x' }, ...HELLO.messages] },
      'messages[1].role',
    ],
    [
      'an answer that is begun',
      { messages: [...HELLO.messages, { role: 'assistant', content: 'I th' }] },
      'messages',
    ],
    ['a temperature that is none', { temperature: 3 }, 'temperature'],
    ['a length that is none', { max_tokens: 0 }, 'max_tokens'],
    ['an empty stop', { stop: [''] }, 'stop[0]'],
    ['options of a stream for none', { stream_options: { include_usage: true } }, 'stream_options'],
    ['too many crops', { mm_processor_kwargs: { num_crops: 17 } }, 'mm_processor_kwargs.num_crops'],
  ])('%s: refused with 400, by name', async (_what, change, param) => {
    const generator = recorder();
    await served(generator, async (model) => {
      const error = await refusal(await post(model, { ...HELLO, ...change }));
      expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param });
      expect(error.message).not.toBe('');
      expect(generator.requests).toEqual([]);
    });
  });

  it('a body that is no JSON, or no object', async () => {
    await served(recorder(), async (model) => {
      expect(await refusal(await post(model, '{'))).toMatchObject({ status: 400, code: 'invalid_json' });
      expect(await refusal(await post(model, '[]'))).toMatchObject({ status: 400, param: 'body' });
    });
  });

  it('a body of more than 64 MiB', async () => {
    await served(recorder(), async (model) => {
      const body = { ...HELLO, messages: [{ role: 'user', content: 'x'.repeat(64 * 2 ** 20) }] };
      expect(await refusal(await post(model, body))).toMatchObject({
        status: 413,
        code: 'request_too_large',
      });
    });
  });

  it('another model, and another address', async () => {
    await served(recorder(), async (model) => {
      const error = await refusal(await post(model, { ...HELLO, model: 'gpt-4o' }));
      expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
      expect((await fetch(`${model.url}/models/gpt-4o`)).status).toBe(404);
      expect(await refusal(await fetch(`${model.url}/embeddings`))).toMatchObject({
        status: 404,
        code: 'not_found',
      });
    });
  });
});

describe('a failure of the model', () => {
  const failing = (code: ConstructorParameters<typeof ModelError>[0]): Recorder =>
    recorder(async () => {
      throw new ModelError(code, 'what happened', { cause: new Error('/srv/models/secret.onnx') });
    });

  it.each<[code: ConstructorParameters<typeof ModelError>[0], status: number, told: string]>([
    ['prompt_invalid', 400, 'invalid_prompt'],
    ['context_exceeded', 400, 'context_length_exceeded'],
    ['memory_exceeded', 400, 'model_memory_exceeded'],
    ['image_invalid', 400, 'invalid_image'],
    ['crashed', 500, 'model_crashed'],
    ['runtime', 500, 'model_failed'],
  ])('%s is told as %i %s, streamed or not, and nothing of its cause', async (code, status, told) => {
    await served(failing(code), async (model) => {
      for (const stream of [false, true]) {
        const response = await post(model, { ...HELLO, stream });
        const text = await response.text();
        expect(response.status).toBe(status);
        expect((JSON.parse(text) as Refusal).error).toMatchObject({ code: told, message: 'what happened' });
        expect(text).not.toContain('secret');
      }
      expect(model.logged.filter(({ level }) => level === 'error')).toHaveLength(status < 500 ? 0 : 2);
    });
  });

  it('in the middle of a stream ends it with the error', async () => {
    const breaking = recorder(async (_request, { onText }) => {
      onText?.('half');
      throw new ModelError('crashed', 'what happened');
    });
    await served(breaking, async (model) => {
      const text = await (await post(model, { ...HELLO, stream: true })).text();
      const last = text.trim().split('\n\n').at(-1) ?? '';
      expect(JSON.parse(last.slice('data: '.length))).toMatchObject({ error: { code: 'model_crashed' } });
      expect(text).not.toContain('[DONE]');
    });
  });
});

describe('authentication', () => {
  it('nobody without a key that is known, where there are keys', async () => {
    const keys = ['right'];
    await served(
      recorder(),
      async (model) => {
        const get = (authorization?: string): Promise<Response> =>
          fetch(`${model.url}/models`, { headers: authorization === undefined ? {} : { authorization } });
        expect(await refusal(await get())).toMatchObject({ status: 401, code: 'invalid_api_key' });
        expect((await get('Bearer wrong')).status).toBe(401);
        expect((await get('Bearer right')).status).toBe(200);
        expect((await post(model, HELLO)).status).toBe(401);
        const health = await fetch(new URL('/healthz', model.url));
        expect(await health.json()).toEqual({ status: 'ok', model: 'tiny-phi3v', runtime: 'recorder' });
      },
      { keys },
    );
  });

  it('no page of another site, where there are none', async () => {
    await served(recorder(), async (model) => {
      const asked = (headers: Record<string, string>): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          httpRequest(`${model.url}/models`, { headers }, (response) => {
            response.resume();
            resolve(response.statusCode);
          })
            .on('error', reject)
            .end();
        });
      expect(await asked({})).toBe(200);
      expect(await asked({ host: 'rebound.example' })).toBe(401);
      expect(await asked({ 'sec-fetch-site': 'cross-site' })).toBe(401);
    });
  });

  it('it does not listen to others without keys', async () => {
    const open = startModelServer({
      generator: recorder(),
      profile: await tinyProfile(),
      keys: [],
      scratch: tmpdir(),
      maxPixels: 1,
      log: () => undefined,
      host: '0.0.0.0',
      port: 0,
    });
    await expect(open).rejects.toThrow('FRAMELOOM_API_KEYS');
  });
});

/** A generator whose answers go on until they are cancelled, or `finish` is called. */
function patient() {
  let finish = (): void => {};
  let cancelled = 0;
  const begun: (() => void)[] = [];
  const generator = recorder(
    (_request, { signal, onText }) =>
      new Promise((resolve, reject) => {
        finish = () => resolve({});
        signal?.addEventListener('abort', () => {
          cancelled += 1;
          reject(new ModelError('cancelled', 'The generation was cancelled.'));
        });
        onText?.('half');
        for (const tell of begun.splice(0)) tell();
      }),
  );
  return {
    generator,
    cancelled: () => cancelled,
    finish: () => finish(),
    /** Resolves when the next answer is under way. */
    beginning: () => new Promise<void>((resolve) => begun.push(resolve)),
  };
}

describe('its metrics', () => {
  it('count requests, responses, tokens, images and model time, without authentication', () =>
    served(
      recorder(async () => ({ promptTokens: 5, outputTokens: 2, visionCalls: 3, modelSeconds: 0.25 })),
      async (model) => {
        const headers = { authorization: 'Bearer key', 'Content-Type': 'application/json' };
        const authorization = { headers };
        expect((await post(model, HELLO, authorization)).status).toBe(200);
        expect((await post(model, HELLO, authorization)).status).toBe(200);
        expect((await post(model, HELLO)).status).toBe(401);
        const answer = await fetch(new URL('/metrics', model.url));
        expect(answer.headers.get('Content-Type')).toContain('text/plain; version=0.0.4');
        const lines = (await answer.text()).split('\n');
        const route = 'method="POST",route="/v1/chat/completions"';
        for (const line of [
          `frameloom_http_requests_total{${route},status="200"} 2`,
          'frameloom_generations_total{finish_reason="stop"} 2',
          'frameloom_tokens_total{kind="prompt"} 10',
          'frameloom_tokens_total{kind="output"} 4',
          'frameloom_images_encoded_total 6',
          'frameloom_model_busy_milliseconds_total 500',
          'frameloom_model_requests 0',
          'frameloom_model_host_restarts_total 0',
        ])
          expect(lines).toContain(line);
        expect(lines.filter((line) => line.includes('status="401"'))).toEqual([
          expect.stringMatching(/^frameloom_http_requests_total\{.*\} 1$/),
        ]);
      },
      { keys: ['key'] },
    ));
});

describe('a client that goes away', () => {
  it.each([false, true])('cancels its generation (streamed: %s)', async (stream) => {
    const { generator, cancelled, beginning } = patient();
    await served(generator, async (model) => {
      const begun = beginning();
      const abort = new AbortController();
      const asked = post(model, { ...HELLO, stream }, { signal: abort.signal }).then((r) => r.text());
      await begun;
      abort.abort();
      await expect(asked).rejects.toThrow();
      await expect.poll(cancelled).toBe(1);
    });
  });
});

describe('closing the server', () => {
  it('finishes requests in flight, and accepts no more', async () => {
    const { generator, finish, beginning } = patient();
    await served(
      generator,
      async (model) => {
        const begun = beginning();
        const asked = post(model, { ...HELLO, stream: true }).then((response) => response.text());
        await begun;
        const closed = model.close();
        await expect(fetch(`${model.url}/models`)).rejects.toThrow();
        finish();
        expect(await asked).toContain('[DONE]');
        await closed;
      },
      { drainMs: 60_000 },
    );
  });

  it('cancels requests that do not finish in time, and reports that', async () => {
    const { generator, cancelled, beginning } = patient();
    await served(generator, async (model) => {
      const begun = beginning();
      const asked = post(model, HELLO);
      await begun;
      await model.close();
      expect(await refusal(await asked)).toMatchObject({ status: 503, code: 'server_shutting_down' });
      expect(cancelled()).toBe(1);
    });
  });

  it('more than 64 requests at once are rejected with Retry-After', async () => {
    const { generator } = patient();
    await served(generator, async (model) => {
      const waiting = Array.from({ length: 64 }, () => post(model, HELLO));
      await expect.poll(() => generator.requests.length).toBe(64);
      const response = await post(model, HELLO);
      expect(await refusal(response)).toMatchObject({ status: 429, type: 'rate_limit_error' });
      expect(response.headers.get('retry-after')).toBe('5');
      await model.close();
      const statuses = await Promise.all(waiting.map(async (asked) => (await asked).status));
      expect(new Set(statuses)).toEqual(new Set([503]));
    });
  });
});
