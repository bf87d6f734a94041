/** The `openai` package, as it is published, against the served model. */
import OpenAI, { APIUserAbortError, AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ModelHost, startModelHost } from '../../phi3v/index.ts';
import { COLOURS, DESCRIBE, drawCircle, TINY } from '../phi3v/support.ts';
import { type ServedModel, serveGenerator } from './served-model.ts';

const MODEL = 'tiny-phi3v';
const RED = '1. A red circle on the left, on a blue background.';

let host: ModelHost;
let served: ServedModel;
let openai: OpenAI;
let url: string;
beforeAll(async () => {
  host = await startModelHost({ folder: TINY, threads: 1 });
  served = await serveGenerator(host, { keys: ['secret'] });
  openai = new OpenAI({ baseURL: served.url, apiKey: 'secret', maxRetries: 0 });
  const { data, width, height } = drawCircle(COLOURS.red, COLOURS.blue, 0);
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  url = `data:image/png;base64,${png.toString('base64')}`;
});
afterAll(async () => {
  await served?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const describeIt = (): OpenAI.ChatCompletionCreateParamsNonStreaming => ({
  model: MODEL,
  temperature: 0,
  max_completion_tokens: 64,
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: '1:\n' },
        { type: 'image_url', image_url: { url } },
        { type: 'text', text: DESCRIBE },
      ],
    },
  ],
});

describe('the openai package', () => {
  it('lists and finds the model', async () => {
    const models: string[] = [];
    for await (const { id } of openai.models.list()) models.push(id);
    expect(models).toEqual([MODEL]);
    expect((await openai.models.retrieve(MODEL)).id).toBe(MODEL);
  });

  it('describes an image', async () => {
    const answer = await openai.chat.completions.create(describeIt());
    expect(answer.choices[0]?.message.content).toBe(RED);
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(313);
  });

  it('gets it piece by piece, with the usage at the end', async () => {
    const stream = await openai.chat.completions.create({
      ...describeIt(),
      stream: true,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    let finish: string | undefined;
    let tokens: number | undefined;
    for await (const { choices, usage } of stream) {
      const [choice] = choices;
      if (choice?.delta.content) pieces.push(choice.delta.content);
      finish = choice?.finish_reason ?? finish;
      tokens = usage?.completion_tokens ?? tokens;
    }
    expect(pieces.join('')).toBe(RED);
    expect(finish).toBe('stop');
    expect(tokens).toBeGreaterThan(5);
  });

  it('gathers a stream with its own helper', async () => {
    const runner = openai.chat.completions.stream({ ...describeIt(), stream: true });
    expect(await runner.finalContent()).toBe(RED);
  });

  it('ends a response at its maximum length', async () => {
    const answer = await openai.chat.completions.create({ ...describeIt(), max_completion_tokens: 3 });
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.completion_tokens).toBe(3);
  });

  it('aborts a streamed and a complete response, and the model continues with others', async () => {
    const abort = new AbortController();
    const stream = await openai.chat.completions.create({ ...describeIt(), stream: true });
    for await (const _chunk of stream) break;
    expect(stream.controller.signal.aborted).toBe(true);
    const asked = openai.chat.completions.create(describeIt(), { signal: abort.signal });
    abort.abort();
    await expect(asked).rejects.toBeInstanceOf(APIUserAbortError);
    expect((await openai.chat.completions.create(describeIt())).choices[0]?.message.content).toBe(RED);
  });

  it('reports rejections with its error classes', async () => {
    const create = (change: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>) =>
      expect(openai.chat.completions.create({ ...describeIt(), ...change })).rejects;
    await create({ n: 2 }).toBeInstanceOf(BadRequestError);
    await create({ n: 2 }).toMatchObject({ status: 400, param: 'n', code: 'unsupported_parameter' });
    await create({ max_completion_tokens: 99_999 }).toMatchObject({ code: 'context_length_exceeded' });
    await create({ model: 'gpt-4o' }).toBeInstanceOf(NotFoundError);
    const stranger = new OpenAI({ baseURL: served.url, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError);
  });
});
