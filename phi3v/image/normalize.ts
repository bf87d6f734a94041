/** Mean and standard deviation of CLIP's training images per channel, for values in [0, 1]. */
const MEAN = { red: 0.48145466, green: 0.4578275, blue: 0.40821073 } as const;
const STD = { red: 0.26862954, green: 0.26130258, blue: 0.27577711 } as const;

/** `(byte / 255 - mean) / std` as one multiplication and one subtraction. */
export interface Normalizer {
  readonly factor: number;
  readonly offset: number;
}

export function normalizer(channel: 'red' | 'green' | 'blue'): Normalizer {
  return { factor: 1 / (255 * STD[channel]), offset: MEAN[channel] / STD[channel] };
}
