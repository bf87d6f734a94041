/** Lets pictures be encoded on other threads while the next ones are decoded. */

/** Items that are worked on at once: as many kept pictures may lie in memory. Four are encoded at a time. */
const MOST = 6;

/**
 * Starts `work` on each item as it comes, on at most `MOST` at once, and yields what became of them in the order of the items.
 * Abandoning the generator ends the source; work that has begun is waited for, whatever happens.
 */
export async function* mapConcurrently<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      result.catch(() => undefined); // whoever gets to it is told
      begun.push(result);
      if (begun.length < MOST) continue;
      yield await (begun.shift() ?? result);
    }
    for (const result of begun.splice(0)) yield await result;
  } finally {
    await Promise.allSettled(begun);
  }
}
