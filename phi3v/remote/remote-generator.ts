import { Agent, type Dispatcher, request as send } from 'undici';
import { asModelError, ModelError } from '../../onnx/index.ts';
import type { GenerateOptions, GenerateRequest, Generation, Generator } from '../engine/index.ts';
import { createChatRequest } from './chat-request.ts';
import { errorFromStatus } from './endpoint-errors.ts';
import { readResponseStream } from './response-stream.ts';
import { ModelList } from './wire.ts';

/** Bytes of an answer that is no stream: the list of models, or an error. */
const MAX_BODY = 2 ** 20;

export interface EndpointOptions {
  /** Where the interface begins, such as `http://gpu:8000/v1`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key?: string | undefined;
  /** Name of the model. Where the endpoint does not serve it, or when left out: the first that it lists. */
  readonly model?: string | undefined;
  /** Prompts that are sent at once. Default 8. */
  readonly maxConcurrency?: number | undefined;
  /** Milliseconds for a connection, and for the list of models. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Milliseconds until the first piece of an answer: its wait in the endpoint's queue, and its prompt.
   * Default 600,000.
   */
  readonly firstTokenTimeoutMs?: number | undefined;
  /** Milliseconds between two pieces: prompts of others may come between. Default 120,000. */
  readonly tokenTimeoutMs?: number | undefined;
}

/** A model behind an endpoint. */
export interface RemoteGenerator extends Generator {
  /** The name of the model that it asks for. */
  readonly model: string;
}

/**
 * Asks an endpoint with OpenAI's interface, such as vLLM or `frameloom serve-model`, what it serves, and
 * answers prompts through it. Its tokens cannot be known, so nothing is reported for checkpoints and `resume`
 * begins anew.
 *
 * @throws ModelError `unavailable`, `refused`, `model_missing`, `runtime`.
 */
export async function connectEndpoint(options: EndpointOptions): Promise<RemoteGenerator> {
  const {
    key,
    maxConcurrency = 8,
    connectTimeoutMs = 10_000,
    firstTokenTimeoutMs = 600_000,
    tokenTimeoutMs = 120_000,
  } = options;
  const base = options.url.replace(/\/+$/, '');
  // A connection per request: one that the endpoint has just closed cannot be taken for a failure. Times are
  // kept here.
  const agent = new Agent({
    connect: { timeout: connectTimeoutMs },
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  const headers = {
    accept: 'application/json',
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };

  /** Sends, and answers when it is no error. Redirects are not followed. */
  async function call(
    path: string,
    init: Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'method' | 'headers'> & {
      readonly method: 'GET' | 'POST';
      readonly headers?: Readonly<Record<string, string>>;
    },
  ): Promise<Dispatcher.ResponseData> {
    const response = await send(`${base}${path}`, {
      ...init,
      headers: { ...headers, ...init.headers },
      dispatcher: agent,
    });
    if (response.statusCode === 200) return response;
    const { 'retry-after': retryAfter } = response.headers;
    const body = await readBody(response.body).catch(() => '');
    throw errorFromStatus(response.statusCode, String(retryAfter ?? '') || undefined, body, new Date());
  }

  async function chooseModel(): Promise<string> {
    const { stop, arm, end } = watchdog(closing.signal);
    arm(connectTimeoutMs, 'The model endpoint does not answer in time.');
    try {
      const response = await call('/models', { method: 'GET', signal: stop });
      const { data } = ModelList.parse(JSON.parse(await readBody(response.body)));
      const [first] = data;
      return data.find(({ id }) => id === options.model)?.id ?? first?.id ?? '';
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof Error && error.name === 'ZodError')) {
        const message =
          'The model endpoint does not list its models as OpenAI does. Does FRAMELOOM_MODEL_URL end in /v1?';
        throw new ModelError('runtime', message, { cause: error });
      }
      throw failureOf(error, stop);
    } finally {
      end();
    }
  }

  const model = await chooseModel().catch(async (error: unknown) => {
    await agent.destroy();
    throw error;
  });

  async function generate(
    request: GenerateRequest,
    { signal, onText }: GenerateOptions,
  ): Promise<Generation> {
    const began = performance.now();
    const { stop, arm, end } = watchdog(closing.signal, signal);
    let answering = false;
    let mistake: { readonly error: unknown } | undefined;
    const onPiece = (piece: string): void => {
      arm(tokenTimeoutMs, 'The model endpoint stopped in the middle of its answer.');
      try {
        if (piece !== '') onText?.(piece);
      } catch (error) {
        mistake = { error };
        throw error;
      }
    };
    try {
      stop.throwIfAborted();
      const { body, imageTokens } = await createChatRequest(request, model).catch((error: unknown) => {
        throw asModelError(error);
      });
      stop.throwIfAborted();
      arm(firstTokenTimeoutMs, 'The model endpoint did not begin its answer in time.');
      const response = await call('/chat/completions', {
        method: 'POST',
        signal: stop,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      answering = true;
      const { text, finishReason, usage, extension } = await readResponseStream(response.body, onPiece);
      return {
        tokens: [],
        text,
        finishReason,
        imageTokens,
        promptTokens: usage?.prompt_tokens ?? 0,
        outputTokens: usage?.completion_tokens ?? 0,
        modelSeconds: extension?.model_seconds ?? (performance.now() - began) / 1000,
        visionCalls: extension?.vision_calls ?? 0,
        averageBatchSize: extension?.average_batch_size ?? 1,
      };
    } catch (error) {
      // The caller's own mistake comes back as it is.
      if (mistake !== undefined) throw mistake.error;
      throw failureOf(error, stop, answering);
    } finally {
      end();
    }
  }

  return {
    model,
    info: { runtime: `openai-compatible endpoint ${model}`, maxConcurrency, supportsResume: false },
    generate: async (request, hooks = {}) => {
      const answer = generate(request, hooks);
      const settled = answer.then(
        () => undefined,
        () => undefined,
      );
      running.add(settled);
      void settled.then(() => running.delete(settled));
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new ModelError('cancelled', 'The connection to the model endpoint was closed.'));
      await Promise.all(running);
      await agent.destroy();
    },
  };
}

async function readBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_BODY) throw new ModelError('runtime', 'The model endpoint answers without end.');
  }
  return text;
}

/** Whatever stopped it, or what the network did. */
function failureOf(error: unknown, stop: AbortSignal, answering = false): unknown {
  if (stop.aborted) return stop.reason;
  if (error instanceof ModelError) return error;
  return answering
    ? new ModelError('crashed', 'The model endpoint ended in the middle of its answer.', { cause: error })
    : new ModelError('unavailable', 'The model endpoint cannot be reached.', { cause: error });
}

/** A signal that follows others, and fires by itself when what was armed last is not renewed in time. */
function watchdog(closing: AbortSignal, signal?: AbortSignal) {
  const controller = new AbortController();
  const close = (): void => controller.abort(closing.reason);
  const cancel = (): void => controller.abort(new ModelError('cancelled', 'The generation was cancelled.'));
  closing.addEventListener('abort', close, { once: true });
  signal?.addEventListener('abort', cancel, { once: true });
  if (closing.aborted) close();
  if (signal?.aborted) cancel();
  let timer: NodeJS.Timeout | undefined;
  return {
    stop: controller.signal,
    arm: (milliseconds: number, message: string): void => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(new ModelError('unavailable', message)), milliseconds);
    },
    end: (): void => {
      clearTimeout(timer);
      closing.removeEventListener('abort', close);
      signal?.removeEventListener('abort', cancel);
      // What is left of the body, such as after a caller's own error.
      controller.abort(new ModelError('cancelled', 'The generation has ended.'));
    },
  };
}
