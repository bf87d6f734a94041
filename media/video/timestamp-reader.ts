/** Reads the timestamps that ffmpeg's `framecrc` muxer writes, as they come, independently of the pixels. */
import type { Readable } from 'node:stream';
import { FrameloomError } from '../../core/errors.ts';

/** What ffmpeg writes about a frame next to its pixels. */
export interface FrameTimestamp {
  /** Presentation time on the container's clock, in seconds. */
  readonly pts: number;
  /** Bytes of the pixels, and their Adler-32 as `framecrc` computes it. */
  readonly bytes: number;
  readonly checksum: number;
}

export class TimestampReader {
  readonly #pending: FrameTimestamp[] = [];
  #latest = Number.NEGATIVE_INFINITY;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #watchers: (() => void)[] = [];

  /** Starts at once to read all of `stream`. */
  constructor(stream: Readable) {
    void this.#read(stream)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#ended = true;
        this.#notify();
      });
  }

  async #read(stream: Readable): Promise<void> {
    let text = '';
    for await (const chunk of stream) {
      const lines = (text + String(chunk)).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('#')) continue;
        const timestamp = parse(line);
        this.#pending.push(timestamp);
        this.#latest = timestamp.pts;
      }
      this.#notify();
    }
  }

  /**
   * Resolves once there is a timestamp to take, or at the end. Throws `media_truncated` where a frame has no
   * time.
   */
  async ready(): Promise<void> {
    while (this.#pending.length === 0 && !this.#ended) await this.changed();
    if (this.#pending.length === 0 && this.#failure) throw this.#failure.error;
  }

  /** Removes the first pending timestamp and returns it; undefined where there is none. */
  take(): FrameTimestamp | undefined {
    return this.#pending.shift();
  }

  /** Number of timestamps that were read and not taken. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Whether the timestamp `pts` is pending. */
  hasPending(pts: number): boolean {
    return this.#pending.some((timestamp) => timestamp.pts === pts);
  }

  /** The first pending time; infinity where there is none. */
  get firstPending(): number {
    return this.#pending[0]?.pts ?? Number.POSITIVE_INFINITY;
  }

  /** The latest time that was read. */
  get latest(): number {
    return this.#latest;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves with the next timestamp that is read, or at the end. */
  changed(): Promise<void> {
    return this.#ended ? Promise.resolve() : new Promise((resolve) => this.#watchers.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}

/** Parses a line of framecrc: `stream, dts, pts, duration, size, checksum`, in microseconds. */
function parse(line: string): FrameTimestamp {
  const match = /^0, +-?\d+, +(-?\d+), +\d+, +(\d+), 0x([0-9a-f]{8})$/.exec(line.trimEnd());
  if (!match) {
    throw new FrameloomError(
      'media_truncated',
      'The video has frames without a time. Convert it to MP4 and try again.',
    );
  }
  return {
    pts: Number(match[1]) / 1e6,
    bytes: Number(match[2]),
    checksum: Number.parseInt(match[3] ?? '', 16),
  };
}
