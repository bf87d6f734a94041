/** Removes markup from the text of cues. Angle brackets and braces that are not markup stay. */

/** Elements of WebVTT, and those of HTML that SubRip files contain. */
const PLAIN_TAG = /<\/?(?:b|i|u|s|c|v|em|strong|ruby|rt|lang|font|span|br|p|div)(?:\.[^\s<>]*)?\s*\/?>/gi;
/** The same with attributes: `<font color="red">`, `<span class=x>`. */
const TAG_WITH_ATTRIBUTES =
  /<(?:b|i|u|s|font|span|p|div|br)(?:\s+[\w:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))+\s*\/?>/gi;
/** Tags of WebVTT with an annotation: a class, a language. */
const ANNOTATED_TAG = /<(?:c|lang|ruby|rt)(?:\.[^\s<>]*)?\s+[^<>]{1,80}>/gi;
/** WebVTT names the speaker in a tag. */
const VOICE_TAG = /<v(?:\.[^\s<>]*)?\s+([^<>]{1,80})>/gi;
/** The time of a word in karaoke and automatic captions. */
const TIME_TAG = /<\d[\d:.,]*>/g;
/** Overrides of ASS, which SubRip files contain as well. */
const OVERRIDES = /\{\\[^{}]*\}/g;
const ENTITY = /&(?:(amp|lt|gt|nbsp|lrm|rlm|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: ' ',
  quot: '"',
  apos: "'",
  lrm: '',
  rlm: '',
};

/** Returns the text without the tags of WebVTT and HTML, override blocks and character references. */
export function withoutMarkup(text: string): string {
  // Line breaks and spaces of ASS, where it is clear that the text comes from there.
  const plain = text.search(OVERRIDES) < 0 ? text : text.replace(/\\[Nn]/g, '\n').replaceAll('\\h', ' ');
  return plain
    .replace(/<br\s*\/?>|\[br\]/gi, '\n') // HTML, SubViewer
    .replace(VOICE_TAG, '$1: ')
    .replace(PLAIN_TAG, '')
    .replace(TAG_WITH_ATTRIBUTES, '')
    .replace(ANNOTATED_TAG, '')
    .replace(TIME_TAG, '')
    .replace(OVERRIDES, '')
    .replace(ENTITY, (whole, name, decimal, hex) => {
      if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    });
}
