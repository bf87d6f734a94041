/** Converts messages to a prompt. */
import type { PromptPart, Role } from '../../phi3v/index.ts';
import { badRequest } from './chat-error.ts';
import type { Message } from './chat-request.ts';
import { MAX_IMAGES } from './limits.ts';

export interface PromptImage {
  readonly url: string;
  readonly detail: 'auto' | 'low' | 'high';
  /** Its path in the request, for error messages. */
  readonly param: string;
}

export interface Prompt {
  readonly parts: readonly PromptPart[];
  readonly images: readonly PromptImage[];
}

/** @throws ChatError 400 when the order of the roles or the number of images is not supported. */
export function toPrompt(messages: readonly Message[]): Prompt {
  const parts: PromptPart[] = [];
  const images: PromptImage[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    const author: Role = role === 'developer' ? 'system' : role;
    if (author === 'system' && index > 0) {
      throw badRequest(`messages[${index}].role`, 'A system message must be the first one.');
    }
    parts.push({ role: author });
    if (typeof content === 'string') {
      parts.push({ text: content });
      continue;
    }
    for (const [at, part] of content.entries()) {
      if (part.type === 'text') {
        parts.push({ text: part.text });
        continue;
      }
      parts.push({ image: images.length });
      images.push({ ...part.image_url, param: `messages[${index}].content[${at}].image_url.url` });
    }
  }
  if (messages.at(-1)?.role !== 'user') {
    throw badRequest(
      'messages',
      'The last message must have the role `user`; continuing an assistant message is not supported.',
    );
  }
  if (images.length > MAX_IMAGES) {
    throw badRequest('messages', `A request may have at most ${MAX_IMAGES} images.`, 'too_many_images');
  }
  return { parts, images };
}
