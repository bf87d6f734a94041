/** The routes of `frameloom serve-model`. */
import { randomInt, randomUUID } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { type ApiKey, requireOwnMachine, tenantOf } from '../../config/api-keys.ts';
import type { GenerateRequest, Generation, Generator, Sampling } from '../../phi3v/index.ts';
import type { ModelProfile } from '../../schema/model-profile.ts';
import { badRequest, ChatError, errorResponse, toChatError } from './chat-error.ts';
import { type ChatRequest, maxTokensOf, parseChatRequest } from './chat-request.ts';
import { type CompletionHead, toChatCompletion } from './chat-response.ts';
import { streamChatCompletion } from './chat-stream.ts';
import { withImageFiles } from './image-files.ts';
import { MAX_BODY_BYTES, MAX_REQUESTS } from './limits.ts';
import { createModelServerMetrics } from './metrics.ts';
import { toPrompt } from './prompt.ts';

export interface ModelAppDeps {
  readonly generator: Generator;
  readonly profile: ModelProfile;
  /** Without keys it answers to this machine only. */
  readonly keys: readonly ApiKey[];
  readonly scratch: string;
  readonly maxPixels: number;
  /** How often the model host was started anew; for its figures. */
  readonly restarts?: () => number;
  /** Told of every answer, and of every failure that is not the client's. Never prompts or answers. */
  readonly log: (level: 'info' | 'error', message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** The requests in hand, for who has to wait for them, or to end them. */
export interface RequestState {
  /** New requests are refused. */
  readonly draining: boolean;
  /** Aborts what is in hand. */
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
    // When a model was made is not known; clients only want a number.
    created: 0,
    owned_by: 'frameloom',
    revision: profile.revision,
  };
  const app = new Hono();
  app.onError((error) => {
    const told = toChatError(error);
    if (told.status >= 500) log('error', 'request failed', { code: told.code, error });
    return errorResponse(told);
  });
  app.notFound((c) => {
    throw new ChatError(404, 'not_found', `There is no ${c.req.method} ${c.req.path} here.`);
  });
  app.use(metrics.countRequests);
  app.get('/metrics', (c) =>
    c.text(metrics.render({ running: work.running.size, restarts: restarts() }), 200, {
      'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
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
  app.post('/v1/chat/completions', limitBody, async (c) => {
    const done = admit(work);
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
  return async function authenticated(c, next) {
    if (keys.length === 0) requireOwnMachine(c.req.url, c.req.header('Sec-Fetch-Site'));
    else await tenantOf(keys, c.req.header('Authorization'));
    await next();
  };
}

/**
 * Takes a request in hand before its body is read, which is what takes memory. Answers what to call when it
 * is done.
 */
function admit({ draining, running }: RequestState): () => void {
  if (draining) {
    throw new ChatError(503, 'server_shutting_down', 'The server is being shut down.', { retryAfter: 5 });
  }
  if (running.size >= MAX_REQUESTS) {
    throw new ChatError(429, 'too_many_requests', 'The server has enough to do. Try again later.', {
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

const limitBody = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw new ChatError(413, 'request_too_large', `A request may have at most ${MAX_BODY_BYTES} bytes.`);
  },
});

function requireModel(name: string, profile: ModelProfile): void {
  if (name === profile.name) return;
  throw new ChatError(404, 'model_not_found', `The model served here is \`${profile.name}\`.`, {
    param: 'model',
  });
}

/** @param done to be called when the answer is made, or cannot be. */
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
  const gone = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, gone.signal, stop]);

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
    log('info', 'answer made', {
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
    onCancel: () => gone.abort(),
    onError: (error) => {
      if (!signal.aborted) log('error', 'answer broken off', { id: head.id, error });
    },
  });
}

async function readJson(c: Context): Promise<unknown> {
  try {
    return await c.req.json();
  } catch (error) {
    // The body's own limit comes through here as well.
    if (error instanceof ChatError) throw error;
    throw badRequest('body', 'The body is not JSON.', 'invalid_json');
  }
}

/**
 * A request says it for all pictures, as to vLLM, or for each by its `detail`; the profile knows what that
 * means.
 */
function cropsFor(request: ChatRequest, { detail }: ModelProfile) {
  const levels = { auto: detail.medium, low: detail.low, high: detail.high };
  return (picture: { readonly detail: keyof typeof levels }): number =>
    request.mm_processor_kwargs?.num_crops ?? levels[picture.detail];
}

function settingsOf(request: ChatRequest): Pick<GenerateRequest, 'maxTokens' | 'sampling' | 'stop'> {
  const sampling: Sampling = {
    temperature: request.temperature,
    topP: request.top_p,
    // Both mean all.
    topK: request.top_k === -1 ? 0 : request.top_k,
    repetitionPenalty: request.repetition_penalty,
    // Who names no seed wants another answer each time.
    seed: request.seed ?? randomInt(2 ** 32),
  };
  return {
    maxTokens: maxTokensOf(request),
    sampling,
    stop: typeof request.stop === 'string' ? [request.stop] : request.stop,
  };
}
