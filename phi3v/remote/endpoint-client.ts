/** HTTP requests to an OpenAI-compatible endpoint. */
import { Agent, type Dispatcher, request as send } from 'undici';
import { ModelError } from '../../onnx/index.ts';
import { errorFromStatus } from './endpoint-errors.ts';
import { ModelList } from './wire.ts';

/** Longest body that is not a stream: the list of models, or an error. */
const MAX_BODY_CHARS = 2 ** 20;

export interface EndpointClientOptions {
  /** Base URL, such as `http://gpu:8000/v1`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key: string | undefined;
  readonly connectTimeoutMs: number;
}

export interface EndpointClient {
  /**
   * The name of the model to request: `preferred` if the endpoint lists it, else the first of its list.
   *
   * @throws ModelError of `errorFromStatus`; `runtime` when the response is not a list of models.
   */
  chooseModel(preferred: string | undefined, signal: AbortSignal): Promise<string>;
  /**
   * Sends a chat completion request and returns the body of its response.
   *
   * @throws ModelError of `errorFromStatus` for any status but 200. Redirects are not followed.
   */
  startCompletion(body: object, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export function createEndpointClient(options: EndpointClientOptions): EndpointClient {
  const base = options.url.replace(/\/+$/, '');
  const headers = {
    accept: 'application/json',
    ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
  };
  const agent = new Agent({
    connect: { timeout: options.connectTimeoutMs },
    // One connection per request: a pooled one that the endpoint has just closed would look like a failure.
    pipelining: 0,
    // The callers set their own time limits.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  async function call(
    path: string,
    init: Pick<Dispatcher.RequestOptions, 'body' | 'signal'> & {
      readonly method: 'GET' | 'POST';
      readonly headers?: Readonly<Record<string, string>>;
    },
  ): Promise<Dispatcher.ResponseData['body']> {
    const response = await send(`${base}${path}`, {
      ...init,
      headers: { ...headers, ...init.headers },
      dispatcher: agent,
    });
    if (response.statusCode === 200) return response.body;
    const { 'retry-after': retryAfter } = response.headers;
    const body = await readText(response.body).catch(() => '');
    throw errorFromStatus(response.statusCode, String(retryAfter ?? '') || undefined, body, new Date());
  }

  return {
    chooseModel: async (preferred, signal) => {
      try {
        const body = await call('/models', { method: 'GET', signal });
        const { data } = ModelList.parse(JSON.parse(await readText(body)));
        const [first] = data;
        return data.find(({ id }) => id === preferred)?.id ?? first?.id ?? '';
      } catch (error) {
        if (error instanceof SyntaxError || (error instanceof Error && error.name === 'ZodError')) {
          throw new ModelError(
            'runtime',
            'The model endpoint did not return a list of models in OpenAI format. Does FRAMELOOM_MODEL_URL end in /v1?',
            { cause: error },
          );
        }
        throw error;
      }
    },
    startCompletion: (body, signal) =>
      call('/chat/completions', {
        method: 'POST',
        signal,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    close: () => agent.destroy(),
  };
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_BODY_CHARS) {
      throw new ModelError('runtime', 'The model endpoint sent a response that is too long.');
    }
  }
  return text;
}
