/**
 * Conversion of high dynamic range to that of an ordinary screen, as ffmpeg filters. They use only ffmpeg's
 * own `lutrgb` and `colorchannelmixer`, so that every build gives the same images, with or without zimg.
 *
 * The curve is the EETF of ITU-R BT.2390 from 1000 to 203 cd/m² (the white of BT.2408): values below 92 cd/m²
 * are unchanged, brighter ones are compressed, 1000 becomes white. It is applied to each channel, which
 * desaturates highlights a little. BT.2020 colours outside sRGB are clipped.
 */
import type { FrameCoding } from '../../schema/source.ts';

/** SMPTE ST 2084 (PQ). */
const M1 = 2610 / 16_384;
const M2 = (2523 / 4096) * 128;
const C1 = 3424 / 4096;
const C2 = (2413 / 4096) * 32;
const C3 = (2392 / 4096) * 32;
/** ARIB STD-B67 (HLG), and the gamma of a display of 1000 cd/m². */
const HLG = { a: 0.17883277, b: 0.28466892, c: 0.55991073, gamma: 1.2 } as const;

/** Luminance in cd/m²: the highest that is distinguished, and the one that becomes white. */
const SOURCE_PEAK = 1000;
const WHITE = 203;

const PEAK = pqOf(SOURCE_PEAK);
/** In fractions of the PQ range of the source: the upper end of the EETF, and where compression begins. */
const MAX = pqOf(WHITE) / PEAK;
const KNEE = 1.5 * MAX - 0.5;

/** BT.2020 to BT.709 primaries, in linear light (BT.2407). */
const PRIMARIES = [
  [1.660491, -0.587641, -0.07285],
  [-0.12455, 1.1329, -0.008349],
  [-0.018151, -0.100579, 1.11873],
] as const;

/** Uses 16 bits per channel internally: linear light in fewer would show banding in dark areas. */
export function toneMapping(range: FrameCoding['range']): readonly string[] {
  if (range === 'sdr') return [];
  const pq = range === 'pq' ? 'val/65535' : PQ_OF_HLG;
  return [
    'format=gbrp16le',
    everyChannel(`st(0,${pq});${LINEAR_OF_PQ}`),
    `colorchannelmixer=${PRIMARIES.map((row) => `${row.join(':')}:0`).join(':')}`,
    everyChannel(SRGB_OF_LINEAR),
  ];
}

function everyChannel(expression: string): string {
  return `lutrgb=r='${expression}':g='${expression}':b='${expression}'`;
}

/** From HLG in `val` to PQ: to scene light, to the light of a display of 1000 cd/m², to PQ. */
const PQ_OF_HLG = [
  '(st(5,val/65535)',
  `st(6,if(lte(ld(5),0.5),ld(5)*ld(5)/3,(exp((ld(5)-${HLG.c})/${HLG.a})+${HLG.b})/12))`,
  `st(7,pow(${SOURCE_PEAK / 10_000}*pow(ld(6),${HLG.gamma}),${text(M1)}))`,
  `pow((${text(C1)}+${text(C2)}*ld(7))/(1+${text(C3)}*ld(7)),${text(M2)}))`,
].join(';');

/** From PQ in variable 0 to linear light, where 1 is white: the EETF, then the EOTF. */
const LINEAR_OF_PQ = [
  `st(1,min(1,ld(0)/${text(PEAK)}))`,
  `st(2,(ld(1)-${text(KNEE)})/${text(1 - KNEE)})`, // 0 to 1 over the compressed range
  `st(3,(2*pow(ld(2),3)-3*pow(ld(2),2)+1)*${text(KNEE)}+(pow(ld(2),3)-2*pow(ld(2),2)+ld(2))*${text(1 - KNEE)}` +
    `+(3*pow(ld(2),2)-2*pow(ld(2),3))*${text(MAX)})`,
  `st(4,pow(${text(PEAK)}*if(lt(ld(1),${text(KNEE)}),ld(1),ld(3)),${text(1 / M2)}))`,
  `65535*min(1,${text(10_000 / WHITE)}*pow(max(ld(4)-${text(C1)},0)/(${text(C2)}-${text(C3)}*ld(4)),${text(1 / M1)}))`,
].join(';');

/** IEC 61966-2-1. */
const SRGB_OF_LINEAR =
  'st(0,val/65535);65535*if(lt(ld(0),0.0031308),12.92*ld(0),1.055*pow(ld(0),1/2.4)-0.055)';

function pqOf(brightness: number): number {
  const light = (brightness / 10_000) ** M1;
  return ((C1 + C2 * light) / (1 + C3 * light)) ** M2;
}

/** Plain decimals: ffmpeg does not accept exponents everywhere in expressions. */
function text(value: number): string {
  return value.toFixed(9);
}
