/** Pictures are encoded while the next ones are decoded, in order, and never too many at once. */
import { describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../media/index.ts';

async function* count(most: number, drawn: number[] = [], ended: { value: boolean } = { value: false }) {
  try {
    for (let item = 0; item < most; item++) {
      drawn.push(item);
      yield item;
    }
  } finally {
    ended.value = true;
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('mapConcurrently', () => {
  it('yields in the order of the items, whichever finishes first', async () => {
    const finish: (() => void)[] = [];
    const work = (item: number): Promise<string> =>
      new Promise((resolve) => {
        finish.push(() => resolve(`done ${item}`));
        // The sixth, so that all six are at work at once.
        if (item === 5) for (const end of finish.toReversed()) end();
        if (item > 5) resolve(`done ${item}`);
      });
    expect(await all(mapConcurrently(count(8), work))).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((item) => `done ${item}`),
    );
  });

  it('requests no item beyond six in flight', async () => {
    const drawn: number[] = [];
    const ahead = mapConcurrently(count(100, drawn), async (item) => item);
    expect(await ahead.next()).toEqual({ done: false, value: 0 });
    expect(drawn).toEqual([0, 1, 2, 3, 4, 5]);
    await ahead.return(undefined);
  });

  it('ends the source and awaits started work when the loop ends early or an item fails', async () => {
    const ended = { value: false };
    let open = 0;
    const ahead = mapConcurrently(count(100, [], ended), async (item) => {
      open++;
      await Promise.resolve();
      open--;
      if (item === 2) throw new Error('the third fails');
      return item;
    });
    await expect(all(ahead)).rejects.toThrow('the third fails');
    expect({ ended: ended.value, open }).toEqual({ ended: true, open: 0 });
  });

  it('throws the error of the source', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error('cut off');
    }
    await expect(all(mapConcurrently(failing(), async (item) => item))).rejects.toThrow('cut off');
  });
});
