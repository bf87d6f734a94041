/** Messages as the prompt of the runtime. */
import type { PromptPart, Role } from '../../phi3v/index.ts';
import { badRequest } from './chat-error.ts';
import type { Message } from './chat-request.ts';
import { MAX_IMAGES } from './limits.ts';

export interface PromptImage {
  readonly url: string;
  readonly detail: 'auto' | 'low' | 'high';
  /** Where it stands in the request, for what there is to say about it. */
  readonly param: string;
}

export interface Prompt {
  readonly parts: readonly PromptPart[];
  readonly images: readonly PromptImage[];
}

/** @throws ChatError 400. */
export function toPrompt(messages: readonly Message[]): Prompt {
  const parts: PromptPart[] = [];
  const images: PromptImage[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    const speaker: Role = role === 'developer' ? 'system' : role;
    if (speaker === 'system' && index > 0) {
      throw badRequest(`messages[${index}].role`, 'A system message may only be the first.');
    }
    parts.push({ role: speaker });
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
      'The last message must be one of the user: answers that are begun are not continued.',
    );
  }
  if (images.length > MAX_IMAGES) {
    throw badRequest('messages', `A request may have at most ${MAX_IMAGES} pictures.`, 'too_many_images');
  }
  return { parts, images };
}
