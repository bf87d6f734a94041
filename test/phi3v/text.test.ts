/** Tokens to text, as it comes, and when a text goes round in circles. */
import { beforeAll, describe, expect, it } from 'vitest';
import { findRepetition } from '../../phi3v/text/repetition.ts';
import { createTextStream } from '../../phi3v/text/text-stream.ts';
import { loadTokenizer, type Tokenizer } from '../../phi3v/text/tokenizer.ts';
import { TINY } from './support.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(TINY);
});

/** Ids of `text` without the token of its beginning. */
const encode = (text: string): number[] => tokenizer.encode(text).slice(1);

function stream(tokens: readonly number[], stops: readonly string[] = []) {
  const reader = createTextStream(tokenizer, stops);
  const pieces = tokens.map((token) => reader.add(token));
  return { pieces: [...pieces, reader.finish()], stopped: reader.stopped };
}

describe('text as it comes', () => {
  it.each(['A red circle on the left.', 'Zażółć gęślą jaźń – 你好 🙂🙃 ok', ' two  spaces\n\nlines ', ''])(
    'adds up to the whole of %j',
    (text) => {
      const tokens = encode(text);
      expect(stream(tokens).pieces.join('')).toBe(tokenizer.decode(tokens));
    },
  );

  it('adds up to the whole for any tokens at all', () => {
    let state = 1;
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state / 2 ** 32;
    };
    for (let round = 0; round < 200; round++) {
      const tokens = Array.from({ length: 60 }, () => Math.floor(random() * tokenizer.size));
      expect(stream(tokens).pieces.join('')).toBe(tokenizer.decode(tokens));
    }
  });

  it('never ends a piece within a character', () => {
    const { pieces } = stream(encode('🙂 é 你'));
    expect(pieces.every((piece) => !piece.includes('\ufffd'))).toBe(true);
    expect(encode('🙂').length).toBeGreaterThan(1);
  });

  it('ends before the first stop string, which may lie across tokens', () => {
    const tokens = encode('A red circle on the left, on a blue background.');
    const { pieces, stopped } = stream(tokens, ['the right', 'left, on', 'blue']);
    expect([pieces.join(''), stopped]).toEqual(['A red circle on the ', true]);
  });

  it('holds back what may become a stop string, and gives it back when it does not', () => {
    const reader = createTextStream(tokenizer, ['. B']);
    const said = encode('A dot. C').map((token) => reader.add(token));
    expect(said.join('')).toBe('A dot. C');
    const held = createTextStream(tokenizer, ['. B']);
    expect(
      encode('A dot.')
        .map((token) => held.add(token))
        .join(''),
    ).toBe('A dot');
    expect(held.finish()).toBe('.');
  });
});

describe('a loop', () => {
  const times = (round: readonly number[], n: number): number[] =>
    Array.from({ length: n }, () => round).flat();
  const LINE = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22];

  it.each<[string, number[], number | undefined]>([
    ['one token, 48 times', times([9], 48), 1],
    ['one token, 47 times', times([9], 47), undefined],
    ['a line, four times, after a beginning', [1, 2, 3, ...times(LINE, 4)], 15],
    ['a line, three times', times(LINE, 3), undefined],
    [
      'a list, whose numbers differ',
      Array.from({ length: 9 }, (_, i) => [100 + i, ...LINE]).flat(),
      undefined,
    ],
    ['a loop that it has left', [...times(LINE, 5), 1, 2], undefined],
    ['nothing', [], undefined],
  ])('%s', (_, tokens, start) => {
    expect(findRepetition(tokens)).toBe(start);
  });

  it('is found as soon as it has gone round often enough, wherever the answer is looked at', () => {
    const tokens = [1, 2, 3, ...times(LINE, 9)];
    const first = tokens.findIndex((_, i) => findRepetition(tokens.slice(0, i + 1)) !== undefined);
    expect(first + 1).toBe(3 + 48);
  });
});
