/** The routes of `frameloom serve-model`. */
import { randomInt, randomUUID } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { type ApiKey, createKeyCheck } from '../../config/api-keys.ts';
import { requireLocalRequest } from '../../config/local-requests.ts';
import { readJsonText } from '../../core/json-body.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../../core/prometheus.ts';
import type { GenerateRequest, Generation, Generator, Sampling } from '../../phi3v/index.ts';
import type { ModelProfile } from '../../schema/model-profile.ts';
import { badRequest, ChatError, errorResponse, toChatError } from './chat-error.ts';
import { type ChatRequest, maxTokensOf, parseChatRequest } from './chat-request.ts';
import { type CompletionHead, toChatCompletion } from './chat-response.ts';
import { streamChatCompletion } from './chat-stream.ts';
import { withImageFiles } from './image-files.ts';
import { BODY_TIMEOUT_MS, MAX_BODY_BYTES, MAX_REQUESTS } from './limits.ts';
import { createModelServerMetrics } from './metrics.ts';
import { toPrompt } from './prompt.ts';

export interface ModelAppDeps {
  readonly generator: Generator;
  readonly profile: ModelProfile;
  /** Without keys only requests from this machine are accepted. */
  readonly keys: readonly ApiKey[];
  readonly scratch: string;
  readonly maxPixels: number;
  /** Number of restarts of the model host, for metrics. */
  readonly restarts?: () => number;
  /**
   * Gets every completed generation, and every failure that the client did not cause. Never prompts or
   * output.
   */
  readonly log: (level: 'info' | 'error', message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** The requests in flight, for a graceful shutdown. */
export interface RequestState {
  /** Whether new requests are rejected. */
  readonly draining: boolean;
  /** Aborts the requests in flight. */
  readonly stop: AbortSignal;
  readonly running: Set<Promise<void>>;
}

export function createModelApp(given: ModelAppDeps, work: RequestState): Hono {
  const metrics = createModelServerMetrics();
  const deps = { ...given, generator: metrics.countGenerations(given.generator) };
  const { generator, profile, keys, log, restarts = () => 0 } = deps;
  const model = {
    id: profile.name,
    object: 'model',
    // Required by OpenAI's format; the date of a model is not known.
    created: 0,
    owned_by: 'frameloom',
    revision: profile.revision,
  };
  const app = new Hono();
  app.onError((error) => {
    const chatError = toChatError(error);
    if (chatError.status >= 500) log('error', 'request failed', { code: chatError.code, error });
    return errorResponse(chatError);
  });
  app.notFound((c) => {
    throw new ChatError(404, 'not_found', `Unknown route: ${c.req.method} ${c.req.path}.`);
  });
  app.use(metrics.countRequests);
  app.get('/metrics', (c) =>
    c.text(metrics.render({ running: work.running.size, restarts: restarts() }), 200, {
      'Content-Type': PROMETHEUS_CONTENT_TYPE,
    }),
  );
  app.get('/healthz', (c) =>
    c.json(
      { status: work.draining ? 'draining' : 'ok', model: profile.name, runtime: generator.info.runtime },
      work.draining ? 503 : 200,
    ),
  );
  app.use('/v1/*', authenticate(keys));
  app.get('/v1/models', (c) => c.json({ object: 'list', data: [model] }));
  app.get('/v1/models/:id', (c) => {
    requireModel(c.req.param('id'), profile);
    return c.json(model);
  });
  app.post('/v1/chat/completions', async (c) => {
    const done = trackRequest(work);
    try {
      return await complete(c, deps, work.stop, done);
    } catch (error) {
      done();
      throw error;
    }
  });
  return app;
}

function authenticate(keys: readonly ApiKey[]): MiddlewareHandler {
  const check = createKeyCheck(keys);
  return async function authenticated(c, next) {
    if (keys.length === 0) requireLocalRequest(c.req.raw);
    else await check.tenantOf(c.req.header('Authorization'), c.env?.incoming?.socket?.remoteAddress);
    await next();
  };
}

/** Admits a request before its body is read, which takes memory. Returns a function to call at its end. */
function trackRequest({ draining, running }: RequestState): () => void {
  if (draining) {
    throw new ChatError(503, 'server_shutting_down', 'The server is shutting down.', { retryAfter: 5 });
  }
  if (running.size >= MAX_REQUESTS) {
    throw new ChatError(429, 'too_many_requests', 'The server has too many requests. Try again later.', {
      retryAfter: 5,
    });
  }
  let end = (): void => {};
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  running.add(done);
  return () => {
    running.delete(done);
    end();
  };
}

function requireModel(name: string, profile: ModelProfile): void {
  if (name === profile.name) return;
  throw new ChatError(
    404,
    'model_not_found',
    `The model \`${name}\` does not exist. This server serves \`${profile.name}\`.`,
    {
      param: 'model',
    },
  );
}

/** @param done called when the generation has ended. */
async function complete(
  c: Context,
  deps: ModelAppDeps,
  stop: AbortSignal,
  done: () => void,
): Promise<Response> {
  const { generator, profile, log } = deps;
  const request = parseChatRequest(await readJson(c));
  requireModel(request.model, profile);
  const { parts, images } = toPrompt(request.messages);
  const head: CompletionHead = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: profile.name,
  };
  const disconnected = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, disconnected.signal, stop]);

  async function generate(onText?: (text: string) => void): Promise<Generation> {
    const began = performance.now();
    const { scratch, maxPixels } = deps;
    const cropsOf = cropsFor(request, profile);
    const options = { scratch, maxPixels, revision: profile.revision, cropsOf };
    const generation = await withImageFiles(images, options, signal, (files) =>
      generator.generate({ prompt: parts, images: files, ...settingsOf(request) }, { signal, onText }),
    );
    const { promptTokens, outputTokens, finishReason, averageBatchSize } = generation;
    const seconds = Math.round(performance.now() - began) / 1000;
    log('info', 'generation completed', {
      id: head.id,
      promptTokens,
      outputTokens,
      finishReason,
      averageBatchSize,
      seconds,
    });
    return generation;
  }

  if (!request.stream) {
    return c.json(toChatCompletion(head, await generate().finally(done)));
  }
  return streamChatCompletion((onText) => generate(onText).finally(done), {
    head,
    usage: request.stream_options?.include_usage ?? false,
    onCancel: () => disconnected.abort(),
    onError: (error) => {
      if (!signal.aborted) log('error', 'generation failed during its response', { id: head.id, error });
    },
  });
}

async function readJson(c: Context): Promise<unknown> {
  const text = await readJsonText(c.req.raw, { maxBytes: MAX_BODY_BYTES, timeoutMs: BODY_TIMEOUT_MS });
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('body', 'The request body is not valid JSON.', 'invalid_json');
  }
}

/**
 * Number of crops of an image: `num_crops` of the request, as in vLLM, or the profile's value for its
 * `detail`.
 */
function cropsFor(request: ChatRequest, { detail }: ModelProfile) {
  const levels = { auto: detail.medium, low: detail.low, high: detail.high };
  return (image: { readonly detail: keyof typeof levels }): number =>
    request.mm_processor_kwargs?.num_crops ?? levels[image.detail];
}

function settingsOf(request: ChatRequest): Pick<GenerateRequest, 'maxTokens' | 'sampling' | 'stop'> {
  const sampling: Sampling = {
    temperature: request.temperature,
    topP: request.top_p,
    // -1 in vLLM, 0 here: all tokens.
    topK: request.top_k === -1 ? 0 : request.top_k,
    repetitionPenalty: request.repetition_penalty,
    // Without a seed each response is a different one.
    seed: request.seed ?? randomInt(2 ** 32),
  };
  return {
    maxTokens: maxTokensOf(request),
    sampling,
    stop: typeof request.stop === 'string' ? [request.stop] : request.stop,
  };
}
