import { describe, expect, it } from 'vitest';
import { toFloats } from '../../onnx/index.ts';

const halves = (...values: number[]): number[] => [...toFloats(Float32Array.from(values), 'float16')];
const floats = (...bits: number[]): number[] => [...toFloats(Uint16Array.from(bits), 'float32')];

describe('half precision', () => {
  // Bits by hand from IEEE 754: sign, five bits of exponent (bias 15), ten of fraction.
  it.each<[number, number]>([
    [0, 0x0000],
    [1, 0x3c00],
    [-2, 0xc000],
    [0.5, 0x3800],
    [65504, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [1023 * 2 ** -24, 0x03ff],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
  ])('of %d is %i, and back', (value, bits) => {
    expect(halves(value)).toEqual([bits]);
    expect(floats(bits)).toEqual([value]);
  });

  it('rounds to nearest, ties to even, overflows to infinity and underflows to zero', () => {
    expect(halves(1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20)).toEqual([0x3c00, 0x3c02, 0x3c01]);
    expect(halves(65519, 65520, -1e9)).toEqual([0x7bff, 0x7c00, 0xfc00]);
    expect(halves(2 ** -25, 1.5 * 2 ** -24, 2.5 * 2 ** -24)).toEqual([0, 2, 2]);
  });

  it('preserves NaN and the sign of zero', () => {
    expect(floats(...halves(Number.NaN))).toEqual([Number.NaN]);
    expect(floats(0x8000)).toEqual([-0]);
  });

  it('converts every half to a float and back without a change', () => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).filter(
      (bits) => (bits & 0x7fff) <= 0x7c00,
    );
    expect(toFloats(toFloats(all, 'float32'), 'float16')).toEqual(all);
  });

  it('returns data that already has the type', () => {
    const data = new Float32Array(2);
    expect(toFloats(data, 'float32')).toBe(data);
  });
});
