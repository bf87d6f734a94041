/** Limits of what a source may cost. They are checked before the work. */
export interface MediaLimits {
  /** Most pixels of one image, page or video frame. */
  readonly maxPixels: number;
  /** Most pages of a deck. */
  readonly maxPages: number;
  /** Longest video, in seconds. Default 48 hours. */
  readonly maxDuration?: number;
}
