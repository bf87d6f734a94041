/**
 * Which captions a sentence rests on. A sentence of the summary is kept only when some segment supports it: the model may
 * merge and reorder, it may not add.
 */

/** Sentences of a text, in order, each with its full stop. A stop inside quotation marks ends no sentence. */
export function sentences(text: string): readonly string[] {
  const found: string[] = [];
  const chars = [...text.replace(/\s+/g, ' ').trim()];
  let current = '';
  let quoted = false;
  for (const [index, char] of chars.entries()) {
    current += char;
    if (char === '"') quoted = !quoted;
    if (!quoted && /[.!?]/.test(char) && (chars[index + 1] ?? ' ') === ' ') {
      found.push(current.trim());
      current = '';
    }
  }
  if (current.trim() !== '') found.push(current.trim());
  return found;
}

/** The sentence as a caption: without the word that only places it in the order of the text. */
export function bare(sentence: string): string {
  const rest = sentence.replace(/^(?:First|Then|Next|Finally|Throughout|After that|Lastly),\s+/i, '');
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

/**
 * How far `caption` supports `sentence`, 0 to 1: 1 when they say the same words in the same order, else the share of the
 * sentence's words found in the caption, at most 0.99.
 */
export function support(sentence: string, caption: string): number {
  const claim = words(bare(sentence));
  const evidence = words(bare(caption));
  if (claim.length === 0) return 0;
  if (claim.join(' ') === evidence.join(' ')) return 1;
  const available = new Set(evidence);
  return Math.min(0.99, claim.filter((word) => available.has(word)).length / claim.length);
}

export interface Evidence {
  readonly text: string;
  /** Indexes of the supporting captions; empty when nothing supports the sentence. */
  readonly supporters: readonly number[];
}

/**
 * Each sentence of `text`, once, with the captions that support it best. Captions below `threshold` (0 to 1) do not count.
 */
export function checkEvidence(
  text: string,
  captions: readonly string[],
  threshold: number,
): readonly Evidence[] {
  const seen = new Set<string>();
  const checked: Evidence[] = [];
  for (const sentence of sentences(text)) {
    const key = words(bare(sentence)).join(' ');
    if (seen.has(key)) continue;
    seen.add(key);
    const scores = captions.map((caption) =>
      Math.max(support(sentence, caption), ...sentences(caption).map((part) => support(sentence, part))),
    );
    const best = Math.max(0, ...scores);
    const supporters =
      best > 0 && best >= threshold ? scores.flatMap((score, index) => (score === best ? [index] : [])) : [];
    checked.push({ text: sentence, supporters });
  }
  return checked;
}

/**
 * What a merge of `lines` may say: the sentences of `text` that the lines support. With `every`, a line that no sentence represents is put back in by its leading sentence, so that no part is
 * lost to a slip of the model. All lines' own sentences where nothing else is left.
 */
export function mendMerge(
  text: string,
  lines: readonly string[],
  threshold: number,
  every: boolean,
): readonly string[] {
  const kept = checkEvidence(text, lines, threshold).filter((item) => item.supporters.length > 0);
  if (kept.length === 0) return lines.flatMap(sentences);
  const said = kept.map((item) => item.text);
  if (!every) return said;
  const represented = new Set(kept.flatMap((item) => item.supporters));
  const placed = kept.map((item) => ({ text: item.text, line: Math.min(...item.supporters) }));
  for (const [line, own] of lines.entries()) {
    const [lead] = sentences(own);
    if (represented.has(line) || lead === undefined) continue;
    const before = placed.findLastIndex((item) => item.line < line);
    placed.splice(before + 1, 0, { text: bare(lead), line });
  }
  return placed.map((item) => item.text);
}

/** Words without meaning of their own: they neither support nor contradict. */
const FILLERS = new Set(
  'a an the is are was were be been being of to in on at by for with and or it its this that these those there as from into'.split(
    ' ',
  ),
);

function words(text: string): readonly string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !FILLERS.has(word));
}
