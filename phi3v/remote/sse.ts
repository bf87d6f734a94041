import { ModelError } from '../../onnx/index.ts';

/** Characters of one message. An answer comes in pieces of some words; what is longer is no such endpoint. */
const MAX_MESSAGE = 4 * 2 ** 20;

/**
 * The data of the server-sent events of `body`, by the rules of the HTML standard, section 9.2.6, whatever the chunks are.
 * A message that no empty line closes was cut off, and is dropped.
 *
 * @throws ModelError `runtime` for a message that does not end; what `body` throws.
 */
export async function* sseData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // Drops a byte order mark, as the standard wants.
  const decoder = new TextDecoder();
  let line = '';
  let data: string[] = [];
  let size = 0;
  let afterReturn = false;
  for await (const bytes of body) {
    let text = decoder.decode(bytes, { stream: true });
    if (text === '') continue;
    // The first half of a CR LF, which has ended its line, may have come with the chunk before.
    if (afterReturn && text.startsWith('\n')) text = text.slice(1);
    afterReturn = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    const rest = lines.pop() ?? '';
    size += text.length;
    for (const end of lines) {
      line += end;
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
        size = rest.length;
      } else if (line === 'data') {
        data.push('');
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      }
      line = '';
    }
    line += rest;
    if (size > MAX_MESSAGE)
      throw new ModelError('runtime', 'The model endpoint sends a message without end.');
  }
}
