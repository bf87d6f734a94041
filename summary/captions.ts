/** Parses the response to the caption prompt: one numbered line per image. */

/**
 * Returns the caption of each of `images` images, `''` for an image without one. A response without any
 * numbered line is the caption of the first image.
 */
export function parseCaptions(response: string, images: number): readonly string[] {
  const captions: string[] = Array.from({ length: images }, () => '');
  let current: number | undefined;
  for (const line of response.split('\n')) {
    const match = /^\s*(\d{1,3})\s*[.):]\s*(.*)$/.exec(line);
    const number = match ? Number(match[1]) : undefined;
    if (match && number !== undefined && number >= 1 && number <= images && captions[number - 1] === '') {
      current = number - 1;
      captions[current] = (match[2] ?? '').trim();
    } else if (current !== undefined && line.trim() !== '') {
      captions[current] = `${captions[current]} ${line.trim()}`.trim();
    }
  }
  if (current === undefined && images > 0) captions[0] = response.replace(/\s+/g, ' ').trim();
  return captions;
}

/** Returns the lines without empty ones and without repeats of the previous line. */
export function removeRepeats(lines: readonly string[]): readonly string[] {
  const kept = lines.filter((line) => line !== '');
  return kept.filter((line, index) => index === 0 || line !== kept[index - 1]);
}
