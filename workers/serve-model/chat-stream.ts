/** A streamed chat completion: server-sent events, ended by `[DONE]`. */
import type { Generation } from '../../phi3v/index.ts';
import { errorBody, toChatError } from './chat-error.ts';
import { type CompletionHead, createChunks } from './chat-response.ts';

/**
 * Time to wait for the first text or an error before the response starts. Errors within it get a status of
 * their own; later ones are messages of a stream with status 200.
 */
const FIRST_TEXT_WAIT_MS = 5000;
/** Interval of comments in the stream, which prevent proxies from closing an idle connection. */
const COMMENT_INTERVAL_MS = 15_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Prevents nginx from buffering the stream.
  'X-Accel-Buffering': 'no',
};

export interface StreamOptions {
  readonly head: CompletionHead;
  /** Whether the last chunk reports the number of tokens. */
  readonly usage: boolean;
  /** Called when the client disconnects. */
  readonly onCancel: () => void;
  /** Gets an error after the response has started. */
  readonly onError: (error: unknown) => void;
}

/** @throws what `generate` throws before its first text, within `FIRST_TEXT_WAIT_MS`. */
export async function streamChatCompletion(
  generate: (onText: (text: string) => void) => Promise<Generation>,
  { head, usage, onCancel, onError }: StreamOptions,
): Promise<Response> {
  const encoder = new TextEncoder();
  const chunks = createChunks(head, usage);
  let sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      sink = controller;
    },
    cancel() {
      sink = undefined;
      onCancel();
    },
  });
  const write = (line: string): void => sink?.enqueue(encoder.encode(`${line}\n\n`));
  const send = (data: object): void => write(`data: ${JSON.stringify(data)}`);
  const close = (): void => {
    sink?.close();
    sink = undefined;
  };

  send(chunks.first());
  const comments = setInterval(() => write(': working'), COMMENT_INTERVAL_MS);
  let begun = false;
  let begin = (): void => {};
  const beginning = new Promise<void>((resolve) => {
    begin = () => {
      begun = true;
      resolve();
    };
  });
  const startTimer = setTimeout(() => begin(), FIRST_TEXT_WAIT_MS);
  const generation = generate((text) => {
    send(chunks.text(text));
    begin();
  });
  const finished = generation
    .then(
      (result) => {
        for (const chunk of chunks.last(result)) send(chunk);
        write('data: [DONE]');
      },
      (error: unknown) => {
        if (!begun) throw error;
        onError(error);
        send(errorBody(toChatError(error)));
      },
    )
    .finally(() => {
      clearInterval(comments);
      clearTimeout(startTimer);
      close();
    });
  await Promise.race([beginning, finished]);
  return new Response(body, { headers: HEADERS });
}
