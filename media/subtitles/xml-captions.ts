/** Parses subtitles in XML: TTML, and what YouTube's caption services answer. SAMI looks similar. */
import { FrameloomError } from '../../core/errors.ts';
import { descendants, parseXml, textOf, type XmlElement, XmlError } from '../text/index.ts';
import { type ParsedCues, type WrittenCue, withEnds } from './parsed.ts';
import { parseTtml } from './ttml.ts';

/**
 * @throws FrameloomError `transcript_unreadable` for other or broken XML, `unsupported_media` for a document
 *   type, `media_too_large` above a limit of the XML parser
 */
export function parseXmlCaptions(text: string): ParsedCues {
  const root = rootOf(text);
  if (root.name === 'tt') return parseTtml(root);
  if (root.name === 'transcript' || root.name === 'timedtext') return parseYouTube(root);
  throw new FrameloomError('transcript_unreadable', 'The XML is neither TTML nor captions of YouTube.');
}

function rootOf(text: string): XmlElement {
  try {
    return parseXml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new FrameloomError('transcript_unreadable', 'The XML of the subtitles is not well-formed.', {
      cause: error,
    });
  }
}

/** `text` with `start` and `dur` in seconds, or `p` and `text` with `t` and `d` in milliseconds. */
function parseYouTube(root: XmlElement): ParsedCues {
  const cues: WrittenCue[] = [];
  let withoutTime = 0;
  for (const element of [...descendants(root, 'text'), ...descendants(root, 'p')]) {
    const { start, dur, t, d, a, append } = element.attributes;
    if (a === '1' || append === '1') continue; // a line break after the caption before
    const [begin, length] =
      t === undefined ? [seconds(start), seconds(dur)] : [seconds(t, 1000), seconds(d, 1000)];
    if (begin === undefined) withoutTime += 1;
    else
      cues.push({
        start: begin,
        end: length === undefined ? undefined : begin + length,
        text: textOf(element),
      });
  }
  return { cues, withoutTime };
}

function seconds(text: string | undefined, perSecond = 1): number | undefined {
  return text !== undefined && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) / perSecond : undefined;
}

/** Each `SYNC` shows its text until the next. Files with several languages show the first one. */
export function parseSami(text: string): ParsedCues {
  const cues: WrittenCue[] = [];
  let language: string | undefined;
  let withoutTime = 0;
  for (const block of text.split(/<SYNC\b/i).slice(1)) {
    const start = /^[^<>]*?\bStart\s*=\s*["']?(\d{1,9})/i.exec(block)?.[1];
    const paragraphs = block.slice(block.indexOf('>') + 1).split(/<P\b/i);
    for (const paragraph of paragraphs.length > 1 ? paragraphs.slice(1) : paragraphs) {
      const own = /^[^<>]*?\bClass\s*=\s*["']?([\w-]+)/i.exec(paragraph)?.[1]?.toLowerCase();
      language ??= own;
      if (own !== language) continue;
      const words = (paragraphs.length > 1 ? paragraph.slice(paragraph.indexOf('>') + 1) : paragraph)
        .replace(/<\/?(?:p|sync|body|sami)\b[^<>]*>/gi, '')
        .replace(/\s+/g, ' ');
      if (start === undefined) withoutTime += 1;
      else cues.push({ start: Number(start) / 1000, text: words });
    }
  }
  // An empty text ends the one before.
  return { cues: withEnds(cues).filter((cue) => !/^(?:&nbsp;?|\s)*$/i.test(cue.text)), withoutTime };
}
