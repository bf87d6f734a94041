import { asModelError, ModelError } from '../../onnx/index.ts';
import type { GenerateOptions, GenerateRequest, Generation, Generator } from '../engine/index.ts';
import { createChatRequest } from './chat-request.ts';
import { createDeadline } from './deadline.ts';
import { createEndpointClient, type EndpointClient } from './endpoint-client.ts';
import { readResponseStream } from './response-stream.ts';

export interface EndpointOptions {
  /** Base URL of the API, such as `http://gpu:8000/v1`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key?: string | undefined;
  /** Name of the model. Default, also if the endpoint does not list it: the first model that it lists. */
  readonly model?: string | undefined;
  /** Requests that are sent at the same time, for `GeneratorInfo`; not enforced here. Default 8. */
  readonly maxConcurrency?: number | undefined;
  /** Milliseconds for a connection, and for the list of models. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Milliseconds until the first chunk of a response, with the time in the endpoint's queue. Default 600,000.
   */
  readonly firstTokenTimeoutMs?: number | undefined;
  /** Milliseconds between two chunks, during which prompts of others may run. Default 120,000. */
  readonly tokenTimeoutMs?: number | undefined;
}

/** A model behind an endpoint. */
export interface RemoteGenerator extends Generator {
  /** The name of the model that it requests. */
  readonly model: string;
}

interface Timeouts {
  readonly firstTokenTimeoutMs: number;
  readonly tokenTimeoutMs: number;
}

/**
 * Connects to an OpenAI-compatible endpoint, such as vLLM or `frameloom serve-model`, and asks which models
 * it serves. Token ids are not part of that API: generations have none, nothing can be checkpointed, and a
 * resumed generation starts from the beginning.
 *
 * @throws ModelError `unavailable`, `rejected`, `model_missing`, `runtime`.
 */
export async function connectEndpoint(options: EndpointOptions): Promise<RemoteGenerator> {
  const { url, key, maxConcurrency = 8, connectTimeoutMs = 10_000 } = options;
  const { firstTokenTimeoutMs = 600_000, tokenTimeoutMs = 120_000 } = options;
  const timeouts = { firstTokenTimeoutMs, tokenTimeoutMs };
  const client = createEndpointClient({ url, key, connectTimeoutMs });
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();

  const deadline = createDeadline(closing.signal);
  deadline.set(connectTimeoutMs, 'The model endpoint did not respond in time.');
  const model = await client
    .chooseModel(options.model, deadline.signal)
    .catch(async (error: unknown) => {
      await client.close();
      throw requestError(error, deadline.signal);
    })
    .finally(() => deadline.dispose());

  return {
    model,
    info: { runtime: `openai-compatible endpoint ${model}`, maxConcurrency, supportsResume: false },
    generate: async (request, callOptions = {}) => {
      const generation = generate({ client, model, timeouts, closing: closing.signal }, request, callOptions);
      const settled = generation.then(
        () => undefined,
        () => undefined,
      );
      running.add(settled);
      void settled.then(() => running.delete(settled));
      return generation;
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new ModelError('cancelled', 'The connection to the model endpoint was closed.'));
      await Promise.all(running);
      await client.close();
    },
  };
}

interface Endpoint {
  readonly client: EndpointClient;
  readonly model: string;
  readonly timeouts: Timeouts;
  readonly closing: AbortSignal;
}

async function generate(
  { client, model, timeouts, closing }: Endpoint,
  request: GenerateRequest,
  { signal, onText }: GenerateOptions,
): Promise<Generation> {
  const startedMs = performance.now();
  const deadline = createDeadline(closing, signal);
  let hasResponse = false;
  let callbackFailure: { readonly error: unknown } | undefined;
  const onChunk = (text: string): void => {
    deadline.set(timeouts.tokenTimeoutMs, 'The model endpoint stopped sending during its response.');
    try {
      if (text !== '') onText?.(text);
    } catch (error) {
      callbackFailure = { error };
      throw error;
    }
  };
  try {
    deadline.signal.throwIfAborted();
    const { body, imageTokens } = await createChatRequest(request, model).catch((error: unknown) => {
      throw asModelError(error);
    });
    deadline.signal.throwIfAborted();
    deadline.set(timeouts.firstTokenTimeoutMs, 'The model endpoint did not start its response in time.');
    const response = await client.startCompletion(body, deadline.signal);
    hasResponse = true;
    const { text, finishReason, usage, extension } = await readResponseStream(response, onChunk);
    return {
      tokens: [],
      text,
      finishReason,
      imageTokens,
      promptTokens: usage?.prompt_tokens ?? 0,
      outputTokens: usage?.completion_tokens ?? 0,
      modelSeconds: extension?.model_seconds ?? (performance.now() - startedMs) / 1000,
      visionCalls: extension?.vision_calls ?? 0,
      averageBatchSize: extension?.average_batch_size ?? 1,
    };
  } catch (error) {
    // An error of the caller's own callback is thrown unchanged.
    if (callbackFailure !== undefined) throw callbackFailure.error;
    throw requestError(error, deadline.signal, hasResponse);
  } finally {
    deadline.dispose();
  }
}

/** The reason why a request was aborted, or the ModelError for a failure of the network. */
function requestError(error: unknown, signal: AbortSignal, hasResponse = false): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof ModelError) return error;
  return hasResponse
    ? new ModelError('crashed', 'The model endpoint closed the connection during its response.', {
        cause: error,
      })
    : new ModelError('unavailable', 'The model endpoint cannot be reached.', { cause: error });
}
