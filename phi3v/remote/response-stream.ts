import { readSse, SseMessageTooLong } from '../../core/sse.ts';
import { ModelError } from '../../onnx/index.ts';
import type { FinishReason } from '../engine/index.ts';
import { errorFromStream } from './endpoint-errors.ts';
import { ErrorResponse, ResponseChunk } from './wire.ts';

/** Longest response, and longest message of a stream. A model generates far less. */
const MAX_RESPONSE_CHARS = 4 * 2 ** 20;

export interface StreamedResponse {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly usage: ResponseChunk['usage'];
  readonly extension: ResponseChunk['frameloom'];
}

/**
 * Reads a streamed chat completion up to its `[DONE]` or its end.
 *
 * @param onChunk gets the text of each chunk, also when it is empty, as a sign that the endpoint is working.
 * @throws ModelError `crashed` when the stream is truncated, the error for an error message in it, and
 * `runtime` for anything that is not a chat completion.
 */
export async function readResponseStream(
  body: AsyncIterable<Uint8Array>,
  onChunk: (text: string) => void,
): Promise<StreamedResponse> {
  let text = '';
  let finished: string | undefined;
  let usage: ResponseChunk['usage'];
  let extension: ResponseChunk['frameloom'];
  for await (const data of messagesOf(body)) {
    if (data === '[DONE]') break;
    const chunk = parseChunk(data);
    const [choice] = chunk.choices;
    const fresh = choice?.delta?.content ?? '';
    text += fresh;
    onChunk(fresh);
    if (text.length > MAX_RESPONSE_CHARS) {
      throw new ModelError('runtime', 'The model endpoint sent a response that is too long.');
    }
    finished = choice?.finish_reason ?? finished;
    usage = chunk.usage ?? usage;
    extension = chunk.frameloom ?? extension;
  }
  if (finished === undefined) {
    throw new ModelError('crashed', 'The model endpoint closed the connection during its response.');
  }
  return {
    text: extension?.text ?? text,
    finishReason: extension?.finish_reason ?? toFinishReason(finished),
    usage,
    extension,
  };
}

/** @throws ModelError `runtime` for a message that is too long. */
async function* messagesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  try {
    for await (const { data } of readSse(body, { maxMessageLength: MAX_RESPONSE_CHARS })) yield data;
  } catch (error) {
    if (!(error instanceof SseMessageTooLong)) throw error;
    throw new ModelError('runtime', 'The model endpoint sent a message that is too long.', { cause: error });
  }
}

function parseChunk(data: string): ResponseChunk {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new ModelError('runtime', 'The model endpoint sent invalid JSON.', { cause });
  }
  // Errors first: an object without choices is also an empty chunk.
  const error = ErrorResponse.safeParse(value);
  if (error.success) throw errorFromStream(error.data);
  const chunk = ResponseChunk.safeParse(value);
  if (chunk.success) return chunk.data;
  throw new ModelError('runtime', 'The model endpoint sent a message that is not a chat completion chunk.', {
    cause: chunk.error,
  });
}

function toFinishReason(finished: string): FinishReason {
  if (finished === 'stop' || finished === 'length') return finished;
  throw new ModelError('runtime', 'The model endpoint sent a finish_reason other than `stop` and `length`.');
}
