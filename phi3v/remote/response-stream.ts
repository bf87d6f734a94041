import { readSse, SseMessageTooLong } from '../../core/sse.ts';
import { ModelError } from '../../onnx/index.ts';
import type { FinishReason } from '../engine/index.ts';
import { errorFromStream } from './endpoint-errors.ts';
import { ErrorResponse, ResponseChunk } from './wire.ts';

/** Longest response, and longest message of a stream, in characters. A model generates far less. */
const MAX_TEXT = 4 * 2 ** 20;

export interface StreamedResponse {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly usage: ResponseChunk['usage'];
  readonly extension: ResponseChunk['frameloom'];
}

/**
 * Reads the stream of one answer, to its `[DONE]` or its end.
 *
 * @param onPiece gets each piece of text, empty ones as well: they are signs of life.
 * @throws ModelError `crashed` when the stream is cut off, what an error in it stands for, and `runtime` for
 * anything else.
 */
export async function readResponseStream(
  body: AsyncIterable<Uint8Array>,
  onPiece: (text: string) => void,
): Promise<StreamedResponse> {
  let text = '';
  let finished: string | undefined;
  let usage: ResponseChunk['usage'];
  let extension: ResponseChunk['frameloom'];
  for await (const data of messagesOf(body)) {
    if (data === '[DONE]') break;
    const chunk = parseChunk(data);
    const [choice] = chunk.choices;
    const piece = choice?.delta?.content ?? '';
    text += piece;
    onPiece(piece);
    if (text.length > MAX_TEXT)
      throw new ModelError('runtime', 'The model endpoint gives an answer without end.');
    finished = choice?.finish_reason ?? finished;
    usage = chunk.usage ?? usage;
    extension = chunk.frameloom ?? extension;
  }
  if (finished === undefined) {
    throw new ModelError('crashed', 'The model endpoint ended in the middle of its answer.');
  }
  return {
    text: extension?.text ?? text,
    finishReason: extension?.finish_reason ?? reasonOf(finished),
    usage,
    extension,
  };
}

/** @throws ModelError `runtime` for a message that does not end. */
async function* messagesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  try {
    for await (const { data } of readSse(body, { maxMessageLength: MAX_TEXT })) yield data;
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
    throw new ModelError('runtime', 'The model endpoint sends what is no JSON.', { cause });
  }
  // Errors first: whatever has no choices reads as an empty chunk.
  const error = ErrorResponse.safeParse(value);
  if (error.success) throw errorFromStream(error.data);
  const chunk = ResponseChunk.safeParse(value);
  if (chunk.success) return chunk.data;
  throw new ModelError('runtime', 'The model endpoint sends what is no part of a chat completion.', {
    cause: chunk.error,
  });
}

function reasonOf(finished: string): FinishReason {
  if (finished === 'stop' || finished === 'length') return finished;
  throw new ModelError(
    'runtime',
    'The model endpoint ended its answer for a reason that is neither stop nor length.',
  );
}
