/** The model's pictures of segments, made a little ahead of those that describe them, so that the model need not wait. */
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';
import type { JobRef, PreprocessFailure, PreprocessFramesOutput } from '../schema/stages.ts';
import { cpu } from './activities.ts';

/** Segments of one call; divides `ENTRIES_PER_SHARD`. */
const BLOCK = 4;
/** Blocks begun before they are asked for. */
const AHEAD = 4;

export interface Pictures {
  /** Waits for the pictures of a segment. To be asked in order. Answers why there are none, where they cannot be made. */
  ready(index: number): Promise<PreprocessFailure | undefined>;
  /** Waits for all that is under way. */
  settled(): Promise<void>;
}

export function preparePictures(ref: JobRef, from: number, total: number): Pictures {
  const blocks = new Map<number, Promise<PreprocessFramesOutput>>();
  let next = Math.floor(from / BLOCK);

  function begin(block: number): void {
    const first = block * BLOCK;
    const shard = Math.floor(first / ENTRIES_PER_SHARD);
    const at = first % ENTRIES_PER_SHARD;
    const made = cpu.preprocessFrames({ ...ref, shard, from: at, to: at + Math.min(BLOCK, total - first) });
    made.catch(() => undefined); // whoever asks for it gets to know
    blocks.set(block, made);
  }

  return {
    async ready(index) {
      const block = Math.floor(index / BLOCK);
      for (; next <= block + AHEAD && next * BLOCK < total; next += 1) begin(next);
      for (const past of blocks.keys()) if (past < block) blocks.delete(past);
      const lost = (await blocks.get(block))?.failures ?? [];
      return lost.find(({ at }) => at === index % ENTRIES_PER_SHARD);
    },
    async settled() {
      await Promise.allSettled(blocks.values());
    },
  };
}
