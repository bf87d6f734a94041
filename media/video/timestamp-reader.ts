/** The times of pictures that ffmpeg writes, as its `framecrc` muxer tells them: each at once, whoever reads the pixels when. */
import type { Readable } from 'node:stream';
import { FrameloomError } from '../../core/errors.ts';

/** What is written of a picture beside its pixels; `time` is the container's, in seconds. */
export interface FrameTimestamp {
  readonly time: number;
  readonly bytes: number;
  readonly checksum: number;
}

export class TimestampReader {
  readonly #waiting: FrameTimestamp[] = [];
  #latest = Number.NEGATIVE_INFINITY;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #watchers: (() => void)[] = [];

  /** Reads all of `stream` as it comes. */
  constructor(stream: Readable) {
    void this.#read(stream)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#ended = true;
        this.#tell();
      });
  }

  async #read(stream: Readable): Promise<void> {
    let text = '';
    for await (const chunk of stream) {
      const lines = (text + String(chunk)).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('#')) continue;
        const stamp = parse(line);
        this.#waiting.push(stamp);
        this.#latest = stamp.time;
      }
      this.#tell();
    }
  }

  /** Resolves once there is one to take, or the end has come. Throws `media_truncated` where a frame has no time. */
  async some(): Promise<void> {
    while (this.#waiting.length === 0 && !this.#ended) await this.change();
    if (this.#waiting.length === 0 && this.#failure) throw this.#failure.error;
  }

  /** Takes the next one, if there is one. */
  take(): FrameTimestamp | undefined {
    return this.#waiting.shift();
  }

  /** How many have come and were not taken yet. */
  get ahead(): number {
    return this.#waiting.length;
  }

  /** Whether the picture of `time` is among those. */
  has(time: number): boolean {
    return this.#waiting.some((stamp) => stamp.time === time);
  }

  /** The time of the first of those; infinity where there is none. */
  get first(): number {
    return this.#waiting[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  /** The time of the last one that has come. */
  get latest(): number {
    return this.#latest;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves with the next change: one has come, or the end. */
  change(): Promise<void> {
    return this.#ended ? Promise.resolve() : new Promise((resolve) => this.#watchers.push(resolve));
  }

  #tell(): void {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}

/** Parses a line of framecrc: `stream, dts, pts, duration, size, checksum`, in microseconds. */
function parse(line: string): FrameTimestamp {
  const match = /^0, +-?\d+, +(-?\d+), +\d+, +(\d+), 0x([0-9a-f]{8})$/.exec(line.trimEnd());
  if (!match) throw new FrameloomError('media_truncated', 'The video has frames without a time.');
  return {
    time: Number(match[1]) / 1e6,
    bytes: Number(match[2]),
    checksum: Number.parseInt(match[3] ?? '', 16),
  };
}
