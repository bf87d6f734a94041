/** Reads what the model answers to the caption prompt: one numbered line per picture. */

/**
 * The caption of each of `images` pictures, `''` where the model gave none. An answer without any numbered line is taken as
 * the caption of the first picture, so that nothing it said is lost.
 */
export function parseCaptions(answer: string, images: number): readonly string[] {
  const captions: string[] = Array.from({ length: images }, () => '');
  let current: number | undefined;
  for (const line of answer.split('\n')) {
    const match = /^\s*(\d{1,3})\s*[.):]\s*(.*)$/.exec(line);
    const number = match ? Number(match[1]) : undefined;
    if (match && number !== undefined && number >= 1 && number <= images && captions[number - 1] === '') {
      current = number - 1;
      captions[current] = (match[2] ?? '').trim();
    } else if (current !== undefined && line.trim() !== '') {
      captions[current] = `${captions[current]} ${line.trim()}`.trim();
    }
  }
  if (current === undefined && images > 0) captions[0] = answer.replace(/\s+/g, ' ').trim();
  return captions;
}

/** The lines without empty ones and without those equal to the one before. */
export function removeRepeats(lines: readonly string[]): readonly string[] {
  const kept = lines.filter((line) => line !== '');
  return kept.filter((line, index) => index === 0 || line !== kept[index - 1]);
}
