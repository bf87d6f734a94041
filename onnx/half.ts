import type { TensorData } from './tensor.ts';

/** Floating-point types of graphs. */
export type FloatType = 'float32' | 'float16';
/**
 * Floating-point elements. A Uint16Array has the bits of half-precision numbers: Node 20 has no Float16Array.
 */
export type FloatData = Float32Array | Uint16Array;

/**
 * Converts elements to `type`, rounding half to even. Returns `data` itself if it already has that type.
 *
 * @throws TypeError if `data` has no floats.
 */
export function toFloats(data: TensorData, type: FloatType): FloatData {
  if (data instanceof BigInt64Array || data instanceof Uint8Array) {
    throw new TypeError('Only floats can be converted.');
  }
  if (type === 'float32') return data instanceof Float32Array ? data : halvesToFloats(data);
  return data instanceof Uint16Array ? data : floatsToHalves(data);
}

/** Converts IEEE 754 binary16 to binary32. The conversion is exact. */
function halvesToFloats(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  halves.forEach((half, i) => {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) bits[i] = sign | 0x7f800000 | (fraction << 13);
    else if (exponent !== 0) bits[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    else if (fraction === 0) bits[i] = sign;
    else {
      // A subnormal half is a normal float: shift until the leading one is the implicit one.
      const shift = Math.clz32(fraction) - 21;
      bits[i] = sign | ((113 - shift) << 23) | ((fraction << (shift + 13)) & 0x7fffff);
    }
  });
  return new Float32Array(bits.buffer);
}

/** Converts binary32 to binary16, rounding to nearest, ties to even. */
function floatsToHalves(floats: Float32Array): Uint16Array {
  const halves = new Uint16Array(floats.length);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  bits.forEach((word, i) => {
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    if (magnitude >= 0x7f800000) halves[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
    else if (magnitude >= 0x477ff000) halves[i] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) {
      // Rebias the exponent, then round off the lower 13 bits. A carry into the exponent is correct.
      halves[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // Subnormal halves are multiples of 2^-24.
      halves[i] = sign | roundToEven(Math.abs(floats[i] ?? 0) * 2 ** 24);
    }
  });
  return halves;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
