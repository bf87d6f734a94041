import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { ModelError } from '../../onnx/index.ts';
import { readJson, TOKENIZER_FILES } from '../folder/index.ts';

/**
 * Tokens that end an output, in addition to `eos_token_id`, which in many checkpoints is only one of them.
 */
const STOP_TOKENS = ['<|end|>', '<|endoftext|>', '<|assistant|>', '</s>'] as const;

const TokenizerFile = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string().min(1) })),
});

/** Converts text to token ids and back, like the fast tokenizer of Transformers with the same files. */
export interface Tokenizer {
  /** All token ids are below this; the logits of the model may be wider. */
  readonly size: number;
  /** Ids of the special tokens that end an output. */
  readonly stopIds: readonly number[];
  /** Ids of `text`, which may contain special tokens, preceded by the beginning-of-sequence token. */
  encode(text: string): number[];
  /** Text of `ids`, without special tokens and unknown ids. */
  decode(ids: readonly number[]): string;
  /**
   * Inserts a space into every special token and every `<|` of `text`, so that all of it is encoded as plain
   * text.
   */
  escapeSpecialTokens(text: string): string;
}

/**
 * Loads `tokenizer.json` and `tokenizer_config.json`.
 *
 * @throws ModelError `model_missing` or `model_invalid`.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const file = await readJson(folder, TOKENIZER_FILES.tokenizer, TokenizerFile);
  const config = await readJson(folder, TOKENIZER_FILES.config, z.looseObject({}));
  let hub: HubTokenizer;
  try {
    hub = new HubTokenizer(file, config);
  } catch (cause) {
    throw new ModelError('model_invalid', `${TOKENIZER_FILES.tokenizer} of the model folder is malformed.`, {
      cause,
    });
  }
  const added = new Map(file.added_tokens.map(({ id, content }) => [content, id]));
  const addedIds = new Set(added.values());
  let size = 0;
  for (const id of hub.get_vocab(true).values()) size = Math.max(size, id + 1);
  // Includes special tokens of another form than `<|…|>`, such as `<s>`.
  const special = new RegExp(['<\\|', ...[...added.keys()].map(escapeRegExp)].join('|'), 'g');
  return {
    size,
    stopIds: STOP_TOKENS.flatMap((content) => added.get(content) ?? []),
    encode: (text) => hub.encode(text).ids,
    decode: (ids) => {
      const text = ids.filter((id) => id < size && !addedIds.has(id));
      // The library rejects an empty list.
      return text.length === 0 ? '' : hub.decode(text, { clean_up_tokenization_spaces: false });
    },
    escapeSpecialTokens: (text) => text.replace(special, (match) => `${match.slice(0, 1)} ${match.slice(1)}`),
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
