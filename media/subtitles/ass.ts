/** Parses ASS and SSA: comma-separated fields that a `Format` line names. */
import { clockOf } from './clock.ts';
import type { ParsedCues, WrittenCue } from './parsed.ts';

/** Fields of an event where the file does not name them. */
const FIELDS = 'Layer,Start,End,Style,Name,MarginL,MarginR,MarginV,Effect,Text'.split(',');

/** Returns the dialogue in the order of the file. Drawings, comments and overrides are not text. */
export function parseAss(text: string): ParsedCues {
  const cues: WrittenCue[] = [];
  let fields: readonly string[] = FIELDS;
  let withoutTime = 0;
  for (const line of text.split('\n')) {
    const [, kind = '', rest] = /^\s*(Format|Dialogue):\s*(.*)$/i.exec(line) ?? [];
    if (rest === undefined) continue;
    if (kind.toLowerCase() === 'format') {
      const named = rest.split(',').map((name) => name.trim());
      // The styles have a format of their own.
      if (named.includes('Text')) fields = named;
      continue;
    }
    const parts = rest.split(',');
    const [start, end] = ['Start', 'End'].map((name) => clockOf(parts[fields.indexOf(name)] ?? ''));
    // The text is the last field and may contain commas.
    const words = wordsOf(parts.slice(fields.indexOf('Text')).join(','));
    if (start === undefined) withoutTime += 1;
    else cues.push({ start, end, text: words });
  }
  return { cues, withoutTime };
}

/** The words of an event: what stands outside of braces while no drawing is on. */
function wordsOf(dialogue: string): string {
  let isDrawing = false;
  return dialogue
    .split(/(\{[^{}]*\})/)
    .map((part) => {
      if (!/^\{[^{}]*\}$/.test(part)) return isDrawing ? '' : part;
      const scale = [...part.matchAll(/\\p(\d+)/g)].at(-1)?.[1];
      if (scale !== undefined) isDrawing = Number(scale) > 0;
      return '';
    })
    .join('')
    .replace(/\\[Nn]/g, '\n')
    .replaceAll('\\h', ' ');
}
