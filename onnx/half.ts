import type { TensorData } from './tensor.ts';

/** Types of the numbers that a model computes with. */
export type FloatType = 'float32' | 'float16';
export type FloatData = Float32Array | Uint16Array;

/** `data` as numbers of `type`; itself where it is that already. float16 are bits: Node 20 has no Float16Array. */
export function toFloats(data: TensorData, type: FloatType): FloatData {
  if (data instanceof BigInt64Array) throw new TypeError('These are no floats.');
  if (type === 'float32') return data instanceof Float32Array ? data : halvesToFloats(data);
  return data instanceof Uint16Array ? data : floatsToHalves(data);
}

/** IEEE 754 binary16 to binary32, exactly. */
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

/** binary32 to binary16, to the nearest and, half way between two, to the even one. */
function floatsToHalves(floats: Float32Array): Uint16Array {
  const halves = new Uint16Array(floats.length);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  bits.forEach((word, i) => {
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    if (magnitude >= 0x7f800000) halves[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
    else if (magnitude >= 0x477ff000) halves[i] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) {
      // Rebias, then round on the 13 bits that fall away; a carry into the exponent is right as it is.
      halves[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // Below the least normal half the steps are 2^-24.
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
