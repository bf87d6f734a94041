import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { ModelError } from '../../onnx/index.ts';
import { readJson, TOKENIZER_FILES } from '../folder/index.ts';

/** Ends of an answer, beside those of the configuration: a checkpoint's `eos_token_id` often names only one of them. */
const STOP_TOKENS = ['<|end|>', '<|endoftext|>', '<|assistant|>', '</s>'] as const;

const TokenizerFile = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string().min(1) })),
});

/** Text to ids and back, as the fast tokenizer of the reference does it with the same files. */
export interface Tokenizer {
  /** Ids below this belong to a token; the model's output may be wider. */
  readonly size: number;
  /** Ids of the special tokens that end an answer. */
  readonly stopIds: readonly number[];
  /** Ids of `text`, which may hold special tokens, with the beginning-of-sequence token before them. */
  encode(text: string): number[];
  /** Text of `ids`. Special tokens and ids beyond the tokenizer are left out. */
  decode(ids: readonly number[]): string;
  /** `text` with every special token and every `<|` broken by a space, so that all of it is read as plain text. */
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
    throw new ModelError(
      'model_invalid',
      `${TOKENIZER_FILES.tokenizer} of the model folder is not as expected.`,
      { cause },
    );
  }
  const added = new Map(file.added_tokens.map(({ id, content }) => [content, id]));
  const addedIds = new Set(added.values());
  let size = 0;
  for (const id of hub.get_vocab(true).values()) size = Math.max(size, id + 1);
  // Tokens such as `<s>` are no `<|…|>`, but would be read as special all the same.
  const special = new RegExp(['<\\|', ...[...added.keys()].map(escapeRegExp)].join('|'), 'g');
  return {
    size,
    stopIds: STOP_TOKENS.flatMap((content) => added.get(content) ?? []),
    encode: (text) => hub.encode(text).ids,
    decode: (ids) => {
      const text = ids.filter((id) => id < size && !addedIds.has(id));
      // It refuses an empty list.
      return text.length === 0 ? '' : hub.decode(text, { clean_up_tokenization_spaces: false });
    },
    escapeSpecialTokens: (text) => text.replace(special, (match) => `${match.slice(0, 1)} ${match.slice(1)}`),
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
