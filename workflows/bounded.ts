/** Fan-out with a limit, and with an end: what is done is kept outside, shard by shard, and forgotten. */
import { CancellationScope } from '@temporalio/workflow';
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';

export interface Sweep<R> {
  /** Number of the first item to work on: the first one of a shard. */
  readonly from: number;
  readonly total: number;
  /** Items under way at once. */
  readonly limit: number;
  /** Called in the order of the items. */
  readonly work: (index: number) => Promise<R>;
  /** Takes the results of a whole shard, in order. */
  readonly keep: (shard: number, results: readonly R[]) => Promise<void>;
  /** Asked before each shard whether the rest is left for later. */
  readonly isEnough: () => boolean;
}

/**
 * Works on the items from `from` on, and answers with the number of the first one that is left, a shard's first or `total`. Shards
 * overlap: while the last items of one are under way those of the next begin. When one call fails, the others are cancelled
 * and waited for, then the first failure is thrown.
 */
export async function sweep<R>({ from, total, limit, work, keep, isEnough }: Sweep<R>): Promise<number> {
  const open = new Map<number, { readonly results: R[]; left: number }>();
  let next = from;
  let end = total;

  async function one(index: number): Promise<void> {
    const shard = Math.floor(index / ENTRIES_PER_SHARD);
    const slot = open.get(shard) ?? {
      results: [],
      left: Math.min(ENTRIES_PER_SHARD, total - shard * ENTRIES_PER_SHARD),
    };
    open.set(shard, slot);
    slot.results[index % ENTRIES_PER_SHARD] = await work(index);
    slot.left -= 1;
    if (slot.left > 0) return;
    open.delete(shard);
    await keep(shard, slot.results);
  }

  await lanes(limit, () => {
    if (next < end && next % ENTRIES_PER_SHARD === 0 && isEnough()) end = next;
    if (next >= end) return undefined;
    next += 1;
    return one(next - 1);
  });
  return end;
}

/** Does both at once: when one fails, the other is cancelled and waited for. */
export async function both<A, B>(a: () => Promise<A>, b: () => Promise<B>): Promise<readonly [A, B]> {
  const results: { a?: A; b?: B } = {};
  const works = [
    async () => {
      results.a = await a();
    },
    async () => {
      results.b = await b();
    },
  ];
  await lanes(works.length, () => works.shift()?.());
  return [results.a, results.b] as [A, B]; // both are there: no failure was thrown
}

/** Takes and awaits work in `limit` lanes until there is none. The first failure cancels the rest, and is thrown after all have ended. */
async function lanes(limit: number, take: () => Promise<void> | undefined): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const lane = async (): Promise<void> => {
      while (failure === undefined) {
        try {
          const work = take();
          if (work === undefined) return;
          await work;
        } catch (error) {
          failure ??= { error };
          scope.cancel();
        }
      }
    };
    await Promise.all(Array.from({ length: limit }, lane));
  });
  if (failure !== undefined) throw failure.error;
}
