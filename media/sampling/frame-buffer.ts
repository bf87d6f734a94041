/** Buffers the latest images that a decoder wrote until one is requested or expires. */
import type { Readable } from 'node:stream';
import { readRawFrames, type TimedBytes, type TimestampReader, verifyChecksum } from '../video/index.ts';

/**
 * Planes written but not read from which an image without a timestamp counts as not written. From ffmpeg 7 on
 * each output has its own threads and queues (two of eight), and planes may be this many candidates ahead of
 * images.
 */
const MAX_PLANES_AHEAD = 20;
/** Planes that queue in ffmpeg: more than `MAX_PLANES_AHEAD`, so that ffmpeg can get that far ahead. */
export const PLANE_QUEUE_FRAMES = 32;

export interface FrameBufferOptions {
  /** Timestamps of the planes, one for each candidate. */
  readonly planeTimestamps: TimestampReader;
  /** Bytes of an image. */
  readonly imageBytes: number;
  /** ffmpeg writes the image of every candidate. */
  readonly writesAll: boolean;
  /** Buffered images from which no more are read. */
  readonly maxImages: number;
}

export class FrameBuffer {
  readonly #timestamps: TimestampReader;
  readonly #options: FrameBufferOptions;
  readonly #images = new Map<number, TimedBytes>();
  readonly #spare: Buffer[] = [];
  #droppedUntil = Number.NEGATIVE_INFINITY;
  #ended = false;
  #closing = false;
  #failure: { readonly error: unknown } | undefined;
  #watchers: (() => void)[] = [];

  /** Starts at once to read the images of a `rawVideoOutput`. */
  constructor(pixels: Readable, timestamps: TimestampReader, options: FrameBufferOptions) {
    this.#timestamps = timestamps;
    this.#options = options;
    void this.#fill(pixels)
      .catch((error: unknown) => {
        if (!this.#closing) this.#failure = { error };
      })
      .finally(() => {
        this.#ended = true;
        this.#notify();
      });
  }

  async #fill(pixels: Readable): Promise<void> {
    for await (const data of readRawFrames(pixels, this.#options.imageBytes, this.#spare)) {
      await this.#timestamps.ready();
      // Buffered without a pause: an image is always in one of the two.
      const timestamp = this.#timestamps.take();
      if (!timestamp) return; // ffmpeg ended between its two writes
      if (timestamp.pts <= this.#droppedUntil) this.#spare.push(data);
      else this.#images.set(timestamp.pts, { ...timestamp, data });
      this.#notify();
      while (this.#images.size >= this.#options.maxImages && !this.#closing) await this.#changed();
    }
  }

  /**
   * Returns the result of `use` for the image displayed from container time `pts`; undefined where ffmpeg did
   * not write it. The bytes are valid only during the call.
   */
  async take<T>(pts: number, use: (data: Buffer) => T): Promise<T | undefined> {
    await this.#decided(pts);
    while (!this.#images.has(pts) && this.#timestamps.hasPending(pts) && !this.#ended) await this.#changed();
    if (this.#failure) throw this.#failure.error;
    const image = this.#images.get(pts);
    if (!image) return undefined;
    verifyChecksum(image);
    return use(image.data);
  }

  /** Resolves once it is known whether ffmpeg wrote the image of `pts`. */
  async #decided(pts: number): Promise<void> {
    const { planeTimestamps, writesAll } = this.#options;
    const mayCome = (): boolean => this.#timestamps.latest < pts && !this.#timestamps.ended;
    while (mayCome() && (writesAll || planeTimestamps.pendingCount < MAX_PLANES_AHEAD)) {
      const changes = [
        this.#timestamps.changed(),
        ...(planeTimestamps.ended ? [] : [planeTimestamps.changed()]),
      ];
      await Promise.race(changes);
    }
  }

  /** Drops all images up to container time `pts`. */
  drop(pts: number): void {
    this.#droppedUntil = pts;
    for (const [displayed, { data }] of this.#images) {
      if (displayed > pts) break; // in order of time
      this.#images.delete(displayed);
      this.#spare.push(data);
    }
    this.#notify();
  }

  /** Waits for the images written up to `pts`. They can still be taken after the decoder has ended. */
  async close(pts: number): Promise<void> {
    this.#closing = true;
    this.#notify();
    await this.#decided(pts);
    while (!this.#ended && this.#timestamps.firstPending <= pts) await this.#changed();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}
