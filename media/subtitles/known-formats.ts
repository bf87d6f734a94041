/** Names formats that hold subtitles or transcripts but are not read, for their rejection. */

/** Beginnings of binary files. */
const MAGIC: readonly (readonly [string, string])[] = [
  ['PK\x03\x04', 'a ZIP package, such as a Word document'],
  ['%PDF-', 'a PDF'],
  ['{\\rtf', 'an RTF document'],
  ['\0\0\x01\xba', 'VobSub, whose subtitles are images'],
];
/** What files of other formats have in their first lines. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^PG.{8}[^ -~]/s, 'Blu-ray subtitles (SUP), which are images'],
  [/^.{3}STL\d\d\.01/s, 'EBU STL'],
  [/^\s*#\s*VobSub/i, 'a VobSub index, whose subtitles are images'],
  [/^\s*Scenarist_SCC/i, 'Scenarist SCC'],
  [/^\s*(?:\/\/|\$)(?:Font|Color|Subtitle)/im, 'Spruce STL'],
  [/^\s*@ This file written with the Avid/i, 'Avid DS captions'],
  [/^\s*\d{1,2};\d{2};\d{2};\d{2}/m, 'a Premiere transcript, whose times count frames'],
  [/^\s*<window/i, 'RealText'],
  [/^\s*<USFSubtitles/i, 'Universal Subtitle Format'],
  [/^\s*<(?:!doctype html|html)/i, 'an HTML page'],
];

/** Returns the name of the format of a file with this beginning, as Latin-1 text, if it is one of those. */
export function knownFormatOf(head: string): string | undefined {
  const magic = MAGIC.find(([start]) => head.startsWith(start));
  return (magic ?? PATTERNS.find(([pattern]) => pattern.test(head)))?.[1];
}
