/** Whisper's tokens. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { ModelError } from '../onnx/index.ts';

/** Models of English alone have the vocabulary of GPT-2, whose end of text has this id. */
const ENGLISH_END_OF_TEXT = 50_256;

/** Seconds of one timestamp token. */
export const TIMESTAMP_SECONDS = 0.02;

export interface SpeechTokens {
  readonly endOfText: number;
  /** The first timestamp, `<|0.00|>`. All ids from here on are timestamps. */
  readonly firstTimestamp: number;
  readonly noSpeech: number;
  readonly previous: number;
  /** Ids that are never chosen: special tokens other than the end, and signs that are not spoken. */
  readonly suppressed: ReadonlySet<number>;
  /** Ids that may not begin a text: a space and the end. */
  readonly suppressedFirst: ReadonlySet<number>;
  /** Languages by id of their token, such as `en`. Empty for models of one language. */
  readonly languages: ReadonlyMap<number, string>;
  /** Id of `<|startoftranscript|>`. */
  readonly start: number;
  /** The tokens before a transcription. `language` is ignored by models of one language. */
  prompt(language: string | undefined): readonly number[];
  encode(text: string): readonly number[];
  decode(ids: readonly number[]): string;
}

/**
 * Reads `tokenizer.json` in `folder`.
 *
 * @throws ModelError `model_invalid` if it is not that of a Whisper model.
 */
export async function readSpeechTokens(folder: string): Promise<SpeechTokens> {
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')), {});
  } catch (cause) {
    throw new ModelError('model_invalid', 'The tokenizer of the speech model cannot be read.', { cause });
  }
  const id = (token: string): number | undefined => tokenizer.token_to_id(token);
  const requiredId = (token: string): number => {
    const found = id(token);
    if (found === undefined) throw new ModelError('model_invalid', `The speech model has no token ${token}.`);
    return found;
  };
  const endOfText = requiredId('<|endoftext|>');
  const start = requiredId('<|startoftranscript|>');
  const transcribe = requiredId('<|transcribe|>');
  const firstTimestamp = requiredId('<|notimestamps|>') + 1;
  const languages = new Map<number, string>();
  if (endOfText !== ENGLISH_END_OF_TEXT) {
    for (let next = start + 1; next < requiredId('<|translate|>'); next++) {
      const name = /^<\|(\w+)\|>$/.exec(tokenizer.id_to_token(next) ?? '')?.[1];
      if (name !== undefined) languages.set(next, name);
    }
  }
  const encode = (text: string): readonly number[] =>
    tokenizer.encode(text, { add_special_tokens: false }).ids;
  const suppressed = new Set(nonSpeechTokens(encode));
  for (let special = endOfText + 1; special < firstTimestamp; special++) suppressed.add(special);
  return {
    endOfText,
    start,
    firstTimestamp,
    noSpeech: id('<|nospeech|>') ?? requiredId('<|nocaptions|>'),
    previous: requiredId('<|startofprev|>'),
    suppressed,
    suppressedFirst: new Set([endOfText, ...encode(' ')]),
    languages,
    prompt(language) {
      if (languages.size === 0) return [start];
      const chosen = [...languages].find(([, name]) => name === language)?.[0] ?? id('<|en|>') ?? start + 1;
      return [start, chosen, transcribe];
    },
    encode,
    decode: (ids) => tokenizer.decode([...ids]),
  };
}

/** Signs that annotate or decorate text. Source: `non_speech_tokens` of OpenAI's tokenizer. */
const SIGNS = [
  ...'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
  ...'<< >> <<< >>> -- --- -( -[ (\' (" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪'.split(' '),
];
const MUSIC = [...'♩♪♫♬♭♮♯'];

function nonSpeechTokens(encode: (text: string) => readonly number[]): readonly number[] {
  const ids = [encode(' -')[0], encode(" '")[0]];
  for (const sign of [...SIGNS, ...MUSIC]) {
    for (const tokens of [encode(sign), encode(` ${sign}`)]) {
      if (tokens.length === 1 || MUSIC.includes(sign)) ids.push(tokens[0]);
    }
  }
  return ids.filter((id) => id !== undefined);
}
