/**
 * The input of Whisper: a log-mel spectrogram of 30 s of sound. Source: `whisper/audio.py` of OpenAI and
 * `librosa.filters.mel` with the Slaney scale.
 */

/** Samples per second. */
export const SAMPLE_RATE = 16_000;
/** A window has 30 s. */
export const WINDOW_SAMPLES = 30 * SAMPLE_RATE;
const FRAMES = 3000;
const HOP = 160;
const SIZE = 400;
const BINS = SIZE / 2 + 1;
/** The transform of 400 samples is done as 16 transforms of 25 and 25 of 16 (Cooley and Tukey, 1965). */
const OUTER = 16;
const INNER = 25;
/** Frames of silence have this logarithm. */
const FLOOR = -10;

/**
 * Returns `mels` rows of 3000 columns. Missing samples up to 30 s are silence; further ones are ignored.
 */
export function logMelSpectrogram(samples: Float32Array, mels: number): Float32Array {
  const filters = filtersFor(mels);
  const output = new Float32Array(mels * FRAMES).fill(FLOOR);
  const used = Math.min(samples.length, WINDOW_SAMPLES);
  // Frames are centred, and the start is mirrored. All frames after the samples are silence.
  const frames = Math.min(FRAMES, Math.ceil((used + SIZE / 2) / HOP));
  const power = new Float64Array(BINS);
  let loudest = FLOOR;
  for (let frame = 0; frame < frames; frame++) {
    powerSpectrum(samples, used, frame * HOP - SIZE / 2, power);
    for (const [mel, { first, weights }] of filters.entries()) {
      let energy = 0;
      for (let index = 0; index < weights.length; index++) {
        energy += (weights[index] ?? 0) * (power[first + index] ?? 0);
      }
      const value = Math.log10(Math.max(energy, 1e-10));
      output[mel * FRAMES + frame] = value;
      if (value > loudest) loudest = value;
    }
  }
  for (let index = 0; index < output.length; index++) {
    output[index] = (Math.max(output[index] ?? FLOOR, loudest - 8) + 4) / 4;
  }
  return output;
}

const HANN = Float64Array.from({ length: SIZE }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / SIZE));
const COSINES = Float64Array.from({ length: SIZE }, (_, at) => Math.cos((2 * Math.PI * at) / SIZE));
const SINES = Float64Array.from({ length: SIZE }, (_, at) => Math.sin((2 * Math.PI * at) / SIZE));
const windowed = new Float64Array(SIZE);
const innerReal = new Float64Array(SIZE);
const innerImaginary = new Float64Array(SIZE);

/** Writes the squared magnitudes of the windowed samples from `start` on to `power`. */
function powerSpectrum(samples: Float32Array, used: number, start: number, power: Float64Array): void {
  for (let at = 0; at < SIZE; at++) {
    const index = Math.abs(start + at);
    windowed[at] = index < used ? (samples[index] ?? 0) * (HANN[at] ?? 0) : 0;
  }
  // Step 1: for each residue r modulo 16, the transform of the 25 samples r, r + 16, …, times the twiddle.
  for (let residue = 0; residue < OUTER; residue++) {
    for (let bin = 0; bin < INNER; bin++) {
      let [real, imaginary] = [0, 0];
      for (let at = 0, turn = 0; at < INNER; at++) {
        const value = windowed[at * OUTER + residue] ?? 0;
        real += value * (COSINES[turn] ?? 0);
        imaginary -= value * (SINES[turn] ?? 0);
        turn += bin * OUTER;
        if (turn >= SIZE) turn -= SIZE;
      }
      const twiddle = (residue * bin) % SIZE;
      const [cos, sin] = [COSINES[twiddle] ?? 0, SINES[twiddle] ?? 0];
      innerReal[residue * INNER + bin] = real * cos + imaginary * sin;
      innerImaginary[residue * INNER + bin] = imaginary * cos - real * sin;
    }
  }
  // Step 2: for each bin, the transform over the 16 residues. Bins above 200 mirror those below.
  for (let bin = 0; bin < BINS; bin++) {
    const inner = bin % INNER;
    let [real, imaginary] = [0, 0];
    for (let residue = 0, turn = 0; residue < OUTER; residue++) {
      const [re, im] = [
        innerReal[residue * INNER + inner] ?? 0,
        innerImaginary[residue * INNER + inner] ?? 0,
      ];
      const [cos, sin] = [COSINES[turn] ?? 0, SINES[turn] ?? 0];
      real += re * cos + im * sin;
      imaginary += im * cos - re * sin;
      turn += Math.floor(bin / INNER) * INNER;
      if (turn >= SIZE) turn -= SIZE;
    }
    power[bin] = real * real + imaginary * imaginary;
  }
}

interface MelFilter {
  /** The first bin with a weight. */
  readonly first: number;
  readonly weights: Float64Array;
}

const filterCache = new Map<number, readonly MelFilter[]>();

/** Triangles of equal area with corners at equal distances on the Slaney mel scale. */
function filtersFor(mels: number): readonly MelFilter[] {
  const known = filterCache.get(mels);
  if (known) return known;
  const top = hertzToMel(SAMPLE_RATE / 2);
  const corners = Array.from({ length: mels + 2 }, (_, at) => melToHertz((top * at) / (mels + 1)));
  const filters = Array.from({ length: mels }, (_, mel) => {
    const [low = 0, center = 0, high = 0] = corners.slice(mel, mel + 3);
    const weights = Float64Array.from({ length: BINS }, (__, bin) => {
      const hertz = (bin * SAMPLE_RATE) / SIZE;
      const height = Math.min((hertz - low) / (center - low), (high - hertz) / (high - center));
      return (Math.max(0, height) * 2) / (high - low);
    });
    const first = weights.findIndex((weight) => weight > 0);
    const last = weights.findLastIndex((weight) => weight > 0);
    return { first: Math.max(0, first), weights: weights.subarray(Math.max(0, first), last + 1) };
  });
  filterCache.set(mels, filters);
  return filters;
}

function hertzToMel(hertz: number): number {
  return hertz < 1000 ? (hertz * 3) / 200 : 15 + (Math.log(hertz / 1000) * 27) / Math.log(6.4);
}

function melToHertz(mel: number): number {
  return mel < 15 ? (mel * 200) / 3 : 1000 * Math.exp(((mel - 15) * Math.log(6.4)) / 27);
}
