/** Bounded fan-out: at most `limit` items in flight; finished shards are stored and released from memory. */
import { CancellationScope } from '@temporalio/workflow';
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';

export interface Sweep<R> {
  /** Number of the first item, which must be the first of a shard. */
  readonly from: number;
  readonly total: number;
  /** Maximum number of items in flight. */
  readonly limit: number;
  /** Called in the order of the items. */
  readonly work: (index: number) => Promise<R>;
  /** Stores the results of a whole shard, in order. */
  readonly keep: (shard: number, results: readonly R[]) => Promise<void>;
  /** Called before each shard; `true` ends the sweep there. */
  readonly isEnough: () => boolean;
}

/**
 * Processes the items from `from`, and returns the number of the first one left: the first of a shard, or
 * `total`. Shards overlap: while the last items of one are in flight, those of the next start. When one call
 * fails, the others are cancelled and awaited; then the first failure is thrown.
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

/** Runs both at once. When one fails, the other is cancelled and awaited. */
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

/**
 * Takes and awaits work in `limit` lanes until `take` returns undefined. The first failure cancels the rest,
 * and is thrown after all have ended.
 */
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
