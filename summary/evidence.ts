/**
 * Which captions a sentence rests on. A sentence of the summary is kept only when some segment supports it: the model may
 * merge and reorder, it may not add.
 */

/** Sentences of a text, in order, each with its full stop. A stop inside quotation marks ends no sentence. */
export function splitSentences(text: string): readonly string[] {
  const found: string[] = [];
  const line = text.replace(/\s+/g, ' ').trim();
  let begin = 0;
  let quoted = false;
  for (const { 0: mark, index } of line.matchAll(/"|[.!?](?= |$)/g)) {
    if (mark === '"') quoted = !quoted;
    else if (!quoted) {
      found.push(line.slice(begin, index + 1).trim());
      begin = index + 1;
    }
  }
  const rest = line.slice(begin).trim();
  return rest === '' ? found : [...found, rest];
}

/** The sentence as a caption: without the word that only places it in the order of the text. */
export function stripConnective(sentence: string): string {
  const rest = sentence.replace(/^(?:First|Then|Next|Finally|Throughout|After that|Lastly),\s+/i, '');
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

export interface Evidence {
  readonly text: string;
  /** Indexes of the supporting captions; empty when nothing supports the sentence. */
  readonly supporters: readonly number[];
}

/** Captions that were read once, to be asked about many sentences. */
export interface CaptionPool {
  /** Each sentence of `text`, once, with the captions that support it best. Captions below `threshold` (0 to 1) do not count. */
  check(text: string, threshold: number): readonly Evidence[];
}

/**
 * How far a caption supports a sentence, 0 to 1: 1 when it, or one of its own sentences, says the same words in the same order, else
 * the share of the sentence's words found in it, at most 0.99. The time of a check does not grow with captions that share no word
 * with the sentence.
 */
export function createCaptionPool(captions: readonly string[]): CaptionPool {
  /** Captions by all that they, or a sentence of theirs, say. */
  const exact = new Map<string, Set<number>>();
  /** Of each word, what says it: whole captions and their sentences, numbered together. */
  const saidBy = new Map<string, number[]>();
  const captionOf: number[] = [];
  for (const [caption, text] of captions.entries()) {
    for (const unit of new Set([text, ...splitSentences(text)])) {
      const said = words(stripConnective(unit));
      add(exact, said.join(' '), new Set<number>()).add(caption);
      for (const word of new Set(said)) add(saidBy, word, []).push(captionOf.length);
      captionOf.push(caption);
    }
  }

  function supporters(claim: readonly string[], threshold: number): readonly number[] {
    if (claim.length === 0) return [];
    const same = exact.get(claim.join(' '));
    if (same) return [...same];
    if (threshold > MAX_UNORDERED_SUPPORT) return [];
    const shared = new Map<number, number>();
    for (const word of claim)
      for (const unit of saidBy.get(word) ?? []) shared.set(unit, (shared.get(unit) ?? 0) + 1);
    let most = 0;
    for (const count of shared.values()) most = Math.max(most, count);
    if (Math.min(MAX_UNORDERED_SUPPORT, most / claim.length) < threshold) return [];
    const best = [...shared].flatMap(([unit, count]) => (count === most ? [captionOf[unit] ?? 0] : []));
    return [...new Set(best)].sort((a, b) => a - b);
  }

  return {
    check(text, threshold) {
      const seen = new Set<string>();
      const checked: Evidence[] = [];
      for (const sentence of splitSentences(text)) {
        const claim = words(stripConnective(sentence));
        const key = claim.join(' ');
        if (seen.has(key)) continue;
        seen.add(key);
        checked.push({ text: sentence, supporters: supporters(claim, threshold) });
      }
      return checked;
    },
  };
}

/** As `poolCaptions(captions).check(text, threshold)`. */
export function checkEvidence(
  text: string,
  captions: readonly string[],
  threshold: number,
): readonly Evidence[] {
  return createCaptionPool(captions).check(text, threshold);
}

function add<K, V>(map: Map<K, V>, key: K, fresh: V): V {
  const value = map.get(key) ?? fresh;
  map.set(key, value);
  return value;
}

/**
 * What a merge of `lines` may say: the sentences of `text` that the lines support. With `every`, a line that no sentence represents is put back in by its leading sentence, so that no part is
 * lost to a slip of the model. All lines' own sentences where nothing else is left.
 */
export function repairMerge(
  text: string,
  lines: readonly string[],
  threshold: number,
  every: boolean,
): readonly string[] {
  const kept = checkEvidence(text, lines, threshold).filter((item) => item.supporters.length > 0);
  if (kept.length === 0) return lines.flatMap(splitSentences);
  const said = kept.map((item) => item.text);
  if (!every) return said;
  const represented = new Set(kept.flatMap((item) => item.supporters));
  const placed = kept.map((item) => ({ text: item.text, line: Math.min(...item.supporters) }));
  for (const [line, own] of lines.entries()) {
    const [lead] = splitSentences(own);
    if (represented.has(line) || lead === undefined) continue;
    const before = placed.findLastIndex((item) => item.line < line);
    placed.splice(before + 1, 0, { text: stripConnective(lead), line });
  }
  return placed.map((item) => item.text);
}

/** The most that words in another order, or beside other words, count for. */
const MAX_UNORDERED_SUPPORT = 0.99;

/** Words without meaning of their own: they neither support nor contradict. */
const FILLERS = new Set(
  'a an the is are was were be been being of to in on at by for with and or it its this that these those there as from into'.split(
    ' ',
  ),
);

function words(text: string): readonly string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !FILLERS.has(word));
}
