/** Preprocesses the frames of segments a little ahead of their description, so the model does not wait. */
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';
import type { JobRef, PreprocessFailure, PreprocessFramesOutput } from '../schema/stages.ts';
import { cpu } from './activities.ts';

/** Segments of one activity; a divisor of `ENTRIES_PER_SHARD`. */
const BLOCK_SEGMENTS = 4;
/** Blocks that are started before they are needed. */
const BLOCKS_AHEAD = 4;

export interface PreparedImages {
  /**
   * Waits for the images of a segment; call it in order. Returns the failure if they cannot be preprocessed.
   */
  ready(index: number): Promise<PreprocessFailure | undefined>;
  /** Waits for all blocks in flight. */
  settled(): Promise<void>;
}

export function prepareImages(ref: JobRef, from: number, total: number): PreparedImages {
  const blocks = new Map<number, Promise<PreprocessFramesOutput>>();
  let next = Math.floor(from / BLOCK_SEGMENTS);

  function startBlock(block: number): void {
    const first = block * BLOCK_SEGMENTS;
    const shard = Math.floor(first / ENTRIES_PER_SHARD);
    const at = first % ENTRIES_PER_SHARD;
    const output = cpu.preprocessFrames({
      ...ref,
      shard,
      from: at,
      to: at + Math.min(BLOCK_SEGMENTS, total - first),
    });
    output.catch(() => undefined); // `ready` throws it
    blocks.set(block, output);
  }

  return {
    async ready(index) {
      const block = Math.floor(index / BLOCK_SEGMENTS);
      for (; next <= block + BLOCKS_AHEAD && next * BLOCK_SEGMENTS < total; next += 1) startBlock(next);
      for (const past of blocks.keys()) if (past < block) blocks.delete(past);
      const failures = (await blocks.get(block))?.failures ?? [];
      return failures.find(({ entry }) => entry === index % ENTRIES_PER_SHARD);
    },
    async settled() {
      await Promise.allSettled(blocks.values());
    },
  };
}
