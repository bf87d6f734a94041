/** What a source may cost at most. Checked before the work, not after it. */
export interface MediaLimits {
  /** Most pixels of one picture, page or video frame. */
  readonly maxPixels: number;
  /** Most pages of a deck. */
  readonly maxPages: number;
  /** Longest video, in seconds. Default 48 hours. */
  readonly maxDuration?: number;
}
