import { readFile } from 'node:fs/promises';
import { sharp } from '../../core/sharp.ts';
import { ModelError } from '../../onnx/index.ts';
import type { GenerateRequest, ImageFile } from '../engine/index.ts';
import { countImageTokens, decodePaddedImage, type PaddedImage } from '../image/index.ts';
import type { PromptPart, Role } from '../text/index.ts';

type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };

interface Message {
  readonly role: Role;
  readonly content: string | readonly ContentPart[];
}

export interface ChatCompletionRequest {
  /** The body of `POST /chat/completions`. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly imageTokens: number;
}

/**
 * A request in OpenAI's form. Greedy decoding is said, not left to the endpoint; `top_k`,
 * `repetition_penalty` and `mm_processor_kwargs` are vLLM's own fields and go along only where they are
 * needed.
 *
 * @throws ModelError `prompt_invalid`, `image_invalid`.
 */
export async function createChatRequest(
  request: GenerateRequest,
  model: string,
): Promise<ChatCompletionRequest> {
  const images = await Promise.all(
    request.images.map(async ({ path }: ImageFile) => decodePaddedImage(await readFile(path))),
  );
  const { temperature = 0, topP, topK, repetitionPenalty, seed = 0 } = request.sampling ?? {};
  const crops = new Set(images.map(({ numCrops }) => numCrops));
  if (crops.size > 1) {
    throw new ModelError(
      'prompt_invalid',
      'All images of a prompt must have been made for the same number of crops.',
    );
  }
  return {
    imageTokens: images.reduce((sum, { width, height }) => sum + countImageTokens(height, width), 0),
    body: {
      model,
      messages: await toMessages(request.prompt, images),
      max_tokens: request.maxTokens,
      stream: true,
      stream_options: { include_usage: true },
      temperature,
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(topK === undefined ? {} : { top_k: topK }),
      ...(repetitionPenalty === undefined ? {} : { repetition_penalty: repetitionPenalty }),
      ...(temperature === 0 ? {} : { seed }),
      ...(request.stop === undefined || request.stop.length === 0 ? {} : { stop: request.stop }),
      // With the number of crops for which an image was padded, its HD transform leaves it unchanged.
      ...(crops.size === 0 ? {} : { mm_processor_kwargs: { num_crops: [...crops][0] } }),
    },
  };
}

async function toMessages(
  parts: readonly PromptPart[],
  images: readonly PaddedImage[],
): Promise<readonly Message[]> {
  const turns: { role: Role; content: ContentPart[] }[] = [];
  let imageCount = 0;
  for (const [index, part] of parts.entries()) {
    if ('role' in part) {
      turns.push({ role: part.role, content: [] });
      continue;
    }
    if (index === 0) turns.push({ role: 'user', content: [] });
    const content = turns.at(-1)?.content ?? [];
    if ('text' in part) {
      content.push({ type: 'text', text: part.text });
      continue;
    }
    const image = images[part.image];
    if (part.image !== imageCount || image === undefined) {
      throw new ModelError('prompt_invalid', 'Each image of a prompt must occur once, in order.');
    }
    imageCount += 1;
    content.push({ type: 'image_url', image_url: { url: await toDataUrl(image) } });
  }
  if (imageCount !== images.length) {
    const found = `the prompt has ${imageCount} images, the request has ${images.length}`;
    throw new ModelError('prompt_invalid', `Every image must occur in the prompt: ${found}.`);
  }
  if (turns.length === 0) turns.push({ role: 'user', content: [] });
  return turns.map(({ role, content }) => ({ role, content: joinText(content) ?? content }));
}

/** Turns without images are sent as one string, which every endpoint accepts. */
function joinText(content: readonly ContentPart[]): string | undefined {
  let text = '';
  for (const part of content) {
    if (part.type !== 'text') return undefined;
    text += part.text;
  }
  return text;
}

/** PNG is lossless. Fast rather than small: the endpoint is near. */
async function toDataUrl({ data, width, height }: PaddedImage): Promise<string> {
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 2 })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}
