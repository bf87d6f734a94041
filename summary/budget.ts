/** Selects the frames of a job when there are more than `max_frames`. */

/**
 * Returns the indexes of the `most` frames to keep. The frame with the lowest score is dropped first, and its
 * score is added to the next kept frame, which now represents that change as well. Cuts and new slides
 * therefore stay, and samples of long motion thin out evenly. A frame without a score has the score 1. Pure.
 */
export function selectFrames(
  frames: readonly { readonly score?: number }[],
  most: number,
): ReadonlySet<number> {
  const kept = new Set(frames.keys());
  if (frames.length <= most) return kept;
  const scores = frames.map(({ score }) => score ?? 1);
  const next = frames.map((_, index) => index + 1); // path-compressed: towards the next kept frame
  const queue = createQueue();
  for (const [index, score] of scores.entries()) queue.push({ index, score });
  while (kept.size > most) {
    const least = queue.pop();
    if (!least) break;
    if (!kept.has(least.index) || least.score !== scores[least.index]) continue; // its score has grown since
    kept.delete(least.index);
    const follower = followerOf(least.index, next, kept);
    if (follower >= frames.length) continue;
    const score = (scores[follower] ?? 0) + least.score;
    scores[follower] = score;
    queue.push({ index: follower, score });
  }
  return kept;
}

/** The first kept frame after `index`. Compresses the path for later calls. */
function followerOf(index: number, next: number[], kept: ReadonlySet<number>): number {
  let follower = next[index] ?? index + 1;
  while (follower < next.length && !kept.has(follower)) follower = next[follower] ?? follower + 1;
  next[index] = follower;
  return follower;
}

interface Entry {
  readonly index: number;
  readonly score: number;
}

/**
 * A binary heap, lowest score first. Of equal scores the earlier frame is first, so every other frame is
 * dropped.
 */
function createQueue(): { push(entry: Entry): void; pop(): Entry | undefined } {
  const heap: Entry[] = [];
  const before = (a: Entry, b: Entry): boolean =>
    a.score < b.score || (a.score === b.score && a.index < b.index);

  function swap(a: number, b: number): void {
    [heap[a], heap[b]] = [heap[b] as Entry, heap[a] as Entry]; // both are within the heap
  }
  function precedes(a: number, b: number): boolean {
    const [first, second] = [heap[a], heap[b]];
    return first !== undefined && second !== undefined && before(first, second);
  }
  return {
    push(entry) {
      let at = heap.push(entry) - 1;
      for (let parent = (at - 1) >> 1; at > 0 && precedes(at, parent); parent = (at - 1) >> 1) {
        swap(at, parent);
        at = parent;
      }
    },
    pop() {
      const top = heap[0];
      const last = heap.pop();
      if (heap.length === 0 || last === undefined) return top;
      heap[0] = last;
      for (let at = 0; ; ) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) if (precedes(child, least)) least = child;
        if (least === at) return top;
        swap(at, least);
        at = least;
      }
    },
  };
}
