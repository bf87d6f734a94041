/** Time expressions of TTML, and the rates that they depend on. */
import { descendants, type XmlElement } from '../text/index.ts';

export interface TtmlClock {
  /** Seconds of a time expression; undefined where it cannot be read. */
  read(expression: string): number | undefined;
  /** Time of the start of the programme, in seconds. */
  readonly origin: number;
}

/** Frames that each minute skips, except every tenth, by `dropMode`. */
const DROPPED_FRAMES: Readonly<Record<string, number>> = { dropNTSC: 2, dropPAL: 4 };
const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** Reads the parameters of a document: the attributes of its root and, in EBU-TT, the start of the programme. */
export function ttmlClock(root: XmlElement): TtmlClock {
  const parameters = new Map(
    Object.entries(root.attributes).map(([name, value]) => [name.replace(/^.*:/, ''), value.trim()]),
  );
  const number = (name: string): number | undefined => {
    const value = Number(parameters.get(name));
    return value > 0 ? value : undefined;
  };
  const [numerator = 1, denominator = 1] = (parameters.get('frameRateMultiplier') ?? '')
    .split(/[\s:/]+/)
    .map((part) => Number(part) || undefined);
  const nominal = number('frameRate') ?? 30;
  const subFrames = number('subFrameRate') ?? 1;
  const frames = (nominal * numerator) / denominator;
  const ticks = number('tickRate') ?? (number('frameRate') === undefined ? 1 : frames * subFrames);
  const isSmpte = parameters.get('timeBase') === 'smpte';
  const dropped = DROPPED_FRAMES[parameters.get('dropMode') ?? ''] ?? 0;

  /** Seconds of hours, minutes, seconds and frames. Time code of the SMPTE counts frames, not seconds. */
  const ofFrames = (h: number, m: number, s: number, frame: number): number => {
    const seconds = (h * 60 + m) * 60 + s;
    if (!isSmpte) return seconds + frame / frames;
    const minutes = h * 60 + m;
    return (seconds * nominal + frame - dropped * (minutes - Math.floor(minutes / 10))) / frames;
  };
  const read = (expression: string): number | undefined => {
    const text = expression.trim();
    const [, h, m, s, fraction, frame, subFrame = '0'] =
      /^(\d+):(\d{1,2}):(\d{1,2})(?:[.,](\d+)|:(\d+)(?:\.(\d+))?)?$/.exec(text) ?? [];
    if (s !== undefined) {
      if (fraction !== undefined) return (Number(h) * 60 + Number(m)) * 60 + Number(`${s}.${fraction}`);
      return ofFrames(Number(h), Number(m), Number(s), Number(frame ?? 0) + Number(subFrame) / subFrames);
    }
    const [, minutes, rest] = /^(\d+):(\d{1,2}(?:\.\d+)?)$/.exec(text) ?? [];
    if (rest !== undefined) return Number(minutes) * 60 + Number(rest);
    const [, count, unit = 's'] = /^(\d+(?:\.\d+)?)(h|ms|m|s|f|t)?$/.exec(text) ?? [];
    if (count === undefined) return undefined;
    if (unit === 'f') return Number(count) / frames;
    if (unit === 't') return Number(count) / ticks;
    return Number(count) * (UNIT_SECONDS[unit] ?? 1);
  };
  const [programme] = descendants(root, 'documentStartOfProgramme');
  const first = programme?.children[0];
  const origin = (isSmpte && typeof first === 'string' ? read(first) : undefined) ?? 0;
  return { read, origin };
}
