/**
 * The API on AWS Lambda, behind a function URL whose answers are streamed (`InvokeMode: RESPONSE_STREAM`). Requests and answers are
 * turned by Hono's adapter; what is ours is that no answer is cut off by the platform: streams end in order before the deadline, and
 * readers of events come back with `Last-Event-ID`, as they do everywhere.
 */
import { Hono } from 'hono';
import { streamHandle } from 'hono/aws-lambda';
import { SettingsError } from '../../config/settings.ts';
import { type ApiDeps, systemClock } from '../app/index.ts';
import { createApp } from '../create-app.ts';

/** What Hono's adapter gives to the app of an invocation. */
interface InvocationEnv {
  readonly Bindings: { readonly context: { getRemainingTimeInMillis(): number } };
}

/** Time from the end of a stream to the end of the invocation, in milliseconds. */
const MARGIN = 2000;

/**
 * Makes the handler. Has to be called where Lambda's runtime has put `awslambda`. Throws SettingsError without keys: a function URL
 * is open to everybody.
 */
export function createLambdaApi(
  deps: Omit<ApiDeps, 'clock' | 'closing' | 'servesMetrics'>,
): ReturnType<typeof streamHandle> {
  if (deps.keys.length === 0)
    throw new SettingsError('FRAMELOOM_API_KEYS is required: a function URL is open to everybody.');
  const app = createApp({ ...deps, clock: systemClock, servesMetrics: false });
  const bounded = new Hono<InvocationEnv>();
  bounded.all('*', async (c) => {
    const until = Date.now() + c.env.context.getRemainingTimeInMillis() - MARGIN;
    const answer = await app.fetch(c.req.raw);
    return answer.body === null
      ? answer
      : new Response(endingBefore(answer.body, until - Date.now()), answer);
  });
  return streamHandle(bounded);
}

/**
 * The same bytes, but for what is not there after `milliseconds`. Nothing is read ahead: where the reader has gone, the source stands
 * still until then, and is cancelled.
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
            reader.cancel().catch(() => undefined); // it has ended, one way or the other
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

/** The deadline may have closed it while the last read was under way. */
function closeOnce(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    // closed
  }
}
