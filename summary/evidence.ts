/**
 * Finds the captions that support a sentence. A sentence of the summary is kept only if a segment supports
 * it: the model may merge and reorder, but not add.
 */

/**
 * Splits a text into sentences, each with its full stop. A full stop inside quotation marks ends no sentence.
 */
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

/** Removes a leading connective such as `Then,` from a sentence. */
export function stripConnective(sentence: string): string {
  const rest = sentence.replace(/^(?:First|Then|Next|Finally|Throughout|After that|Lastly),\s+/i, '');
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

export interface Evidence {
  readonly text: string;
  /** Indexes of the supporting captions; empty if there are none. */
  readonly supporters: readonly number[];
}

/** An index of captions, for checks of many sentences. */
export interface CaptionPool {
  /**
   * Returns each distinct sentence of `text` with the captions that support it best. Captions whose support
   * is below `threshold` (0 to 1) do not count.
   */
  check(text: string, threshold: number): readonly Evidence[];
}

/**
 * Builds an index of captions. The support of a caption for a sentence is 1 if the caption or one of its
 * sentences has the same words in the same order, else the share of the sentence's words that it contains, at
 * most 0.99. The time of a check does not depend on captions that share no word with the sentence.
 */
export function createCaptionPool(captions: readonly string[]): CaptionPool {
  /** Captions by the words of the caption or of one of its sentences. */
  const exact = new Map<string, Set<number>>();
  /** By word: the captions and sentences that contain it, numbered together. */
  const unitsByWord = new Map<string, number[]>();
  const captionOf: number[] = [];
  for (const [caption, text] of captions.entries()) {
    for (const unit of new Set([text, ...splitSentences(text)])) {
      const unitWords = words(stripConnective(unit));
      add(exact, unitWords.join(' '), new Set<number>()).add(caption);
      for (const word of new Set(unitWords)) add(unitsByWord, word, []).push(captionOf.length);
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
      for (const unit of unitsByWord.get(word) ?? []) shared.set(unit, (shared.get(unit) ?? 0) + 1);
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

/**
 * Whether `texts` together contain at least `threshold` (0 to 1) of the words of a title. A title names what
 * several texts say, so its words need not be in one of them.
 */
export function hasSupportedWords(title: string, texts: readonly string[], threshold: number): boolean {
  const claim = words(title);
  if (claim.length === 0) return false;
  const missing = new Set(claim);
  for (const text of texts) {
    if (missing.size === 0) break;
    for (const word of words(text)) missing.delete(word);
  }
  return claim.filter((word) => !missing.has(word)).length / claim.length >= threshold;
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
 * Returns the sentences of a merged text that `lines` support. With `everyLine`, a line that no sentence
 * represents is added again with its first sentence, in its place. If no sentence is supported, returns the
 * sentences of the lines.
 */
export function repairMerge(
  text: string,
  lines: readonly string[],
  threshold: number,
  everyLine: boolean,
): readonly string[] {
  const kept = checkEvidence(text, lines, threshold).filter((item) => item.supporters.length > 0);
  if (kept.length === 0) return lines.flatMap(splitSentences);
  const supportedTexts = kept.map((item) => item.text);
  if (!everyLine) return supportedTexts;
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

/** Highest support of a caption whose words have another order or come with other words. */
const MAX_UNORDERED_SUPPORT = 0.99;

/** Words that are ignored in comparisons. */
const FILLERS = new Set(
  'a an the is are was were be been being of to in on at by for with and or it its this that these those there as from into'.split(
    ' ',
  ),
);

function words(text: string): readonly string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !FILLERS.has(word));
}
