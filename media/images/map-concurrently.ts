/**
 * Maps an async sequence with several items in flight, such as encoding images on other threads while the
 * next are decoded.
 */

/** Items in flight at once, which is the number of images in memory. libvips encodes four at a time. */
const MAX_IN_FLIGHT = 6;

/**
 * Calls `work` for each item as it arrives, for at most six items at once, and yields the results in the
 * order of the items. Ending the iteration early ends the source. Work that has started is always awaited.
 * Throws what the source or `work` throws.
 */
export async function* mapConcurrently<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const started: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      result.catch(() => undefined); // rethrown when the result is due
      started.push(result);
      if (started.length < MAX_IN_FLIGHT) continue;
      yield await (started.shift() ?? result);
    }
    for (const result of started.splice(0)) yield await result;
  } finally {
    await Promise.allSettled(started);
  }
}
