/** A streamed answer: server-sent events, ended by `[DONE]`. */
import type { Generation } from '../../phi3v/index.ts';
import { errorBody, toChatError } from './chat-error.ts';
import { type CompletionHead, createChunks } from './chat-response.ts';

/**
 * Milliseconds that a stream waits for the first word, or a refusal, before it begins. After that a refusal
 * can only come in the stream, with status 200; before it, as a status of its own.
 */
const HOLD_MS = 5000;
/** Milliseconds between two comments while there is nothing to say, so that proxies keep the connection. */
const COMMENT_MS = 15_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would otherwise collect pieces before passing them on.
  'X-Accel-Buffering': 'no',
};

export interface StreamOptions {
  readonly head: CompletionHead;
  /** The client wants to know how many tokens it took. */
  readonly usage: boolean;
  /** Told when the client goes away. */
  readonly onCancel: () => void;
  /** Gets what ends a stream that has begun. */
  readonly onError: (error: unknown) => void;
}

/** Rejects with what `generate` throws before its first word. */
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
  const comments = setInterval(() => write(': working'), COMMENT_MS);
  let begun = false;
  let begin = (): void => {};
  const beginning = new Promise<void>((resolve) => {
    begin = () => {
      begun = true;
      resolve();
    };
  });
  const hold = setTimeout(() => begin(), HOLD_MS);
  const answer = generate((text) => {
    send(chunks.text(text));
    begin();
  });
  const finished = answer
    .then(
      (generation) => {
        for (const chunk of chunks.last(generation)) send(chunk);
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
      clearTimeout(hold);
      close();
    });
  await Promise.race([beginning, finished]);
  return new Response(body, { headers: HEADERS });
}
