/** Fan-out with a limit. */
import { CancellationScope } from '@temporalio/workflow';

/**
 * Calls `work` for every item, at most `limit` at once, and answers in the order of `items`. When one call fails, the others are
 * cancelled and waited for, then the first failure is thrown.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const lane = async (): Promise<void> => {
      while (next < items.length && failure === undefined) {
        const index = next;
        next += 1;
        try {
          results[index] = await work(items[index] as T, index); // index < items.length
        } catch (error) {
          if (failure === undefined) {
            failure = { error };
            scope.cancel();
          }
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  });
  if (failure !== undefined) throw failure.error;
  return results;
}

/** Does both at once, as `mapBounded` does: when one fails, the other is cancelled and waited for. */
export async function both<A, B>(a: () => Promise<A>, b: () => Promise<B>): Promise<readonly [A, B]> {
  const results = await mapBounded<() => Promise<unknown>, unknown>([a, b], 2, (work) => work());
  return results as readonly [A, B]; // in the order of the items
}
