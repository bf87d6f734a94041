/**
 * The API on AWS Lambda, behind a function URL with streamed responses (`InvokeMode: RESPONSE_STREAM`).
 * Hono's adapter converts requests and responses. Streams end before the deadline of the invocation, so the
 * platform never cuts off a response; clients resume event streams with `Last-Event-ID`.
 */
import { Hono } from 'hono';
import { streamHandle } from 'hono/aws-lambda';
import { SettingsError } from '../../config/settings.ts';
import { type ApiDeps, systemClock } from '../app/index.ts';
import { createApp } from '../create-app.ts';

/** The environment that Hono's adapter passes to the app. */
interface InvocationEnv {
  readonly Bindings: { readonly context: { getRemainingTimeInMillis(): number } };
}

/** Streams end this long before the deadline of the invocation. */
const DEADLINE_MARGIN_MS = 2000;

/**
 * Creates the handler. Call it in Lambda's runtime, which provides the global `awslambda`.
 *
 * @throws SettingsError without API keys, because a function URL is public
 */
export function createLambdaApi(
  deps: Omit<ApiDeps, 'clock' | 'closing' | 'servesMetrics'>,
): ReturnType<typeof streamHandle> {
  if (deps.keys.length === 0)
    throw new SettingsError('FRAMELOOM_API_KEYS is required: a function URL is public.');
  const app = createApp({ ...deps, clock: systemClock, servesMetrics: false });
  const bounded = new Hono<InvocationEnv>();
  bounded.all('*', async (c) => {
    const until = Date.now() + c.env.context.getRemainingTimeInMillis() - DEADLINE_MARGIN_MS;
    const response = await app.fetch(c.req.raw);
    return response.body === null
      ? response
      : new Response(endingBefore(response.body, until - Date.now()), response);
  });
  return streamHandle(bounded);
}

/**
 * Returns a stream of the bytes that arrive within `milliseconds`. Nothing is read ahead, so a source whose
 * reader has disconnected waits until then and is cancelled.
 */
function endingBefore(body: ReadableStream<Uint8Array>, milliseconds: number): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let timer: ReturnType<typeof setTimeout>;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        timer = setTimeout(
          () => {
            controller.close();
            reader.cancel().catch(() => undefined); // the stream has ended in any case
          },
          Math.max(0, milliseconds),
        );
      },
      async pull(controller) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          clearTimeout(timer);
          throw error;
        });
        if (!done) {
          controller.enqueue(value);
          return;
        }
        clearTimeout(timer);
        closeOnce(controller);
      },
      async cancel(reason) {
        clearTimeout(timer);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Closes the stream, unless the deadline closed it during the last read. */
function closeOnce(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    // already closed
  }
}
