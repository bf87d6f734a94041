/** A result as text for a terminal. */

import { formatCount, formatPlace, formatTime } from '../../core/format.ts';
import { oneLine } from '../../core/one-line.ts';
import { frameNoun } from '../../exports/frame-label.ts';
import type { SummaryResult } from '../../schema/result.ts';

const WIDTH = 100;

/** Title, summary, chapters and captions, with times or slide numbers. Ends without a newline. */
export function formatResult(result: SummaryResult): string {
  const { source, chapters, segments, gaps, usage, model } = result;
  const noun = frameNoun(source.type);
  const length =
    source.duration === undefined
      ? formatCount(source.pages ?? 0, noun.toLowerCase())
      : `${formatTime(source.duration)} long`;
  const blocks = [
    `${oneLine(result.title)}\n${'='.repeat(Math.min(WIDTH, oneLine(result.title).length))}`,
    wrap(oneLine(result.summary), ''),
  ];
  if (chapters.length > 0) {
    blocks.push(
      [
        'Chapters',
        ...chapters.map(
          (chapter) =>
            `  ${placeWithSlides(chapter, noun)}  ${oneLine(chapter.title)}\n${wrap(oneLine(chapter.summary), '    ')}`,
        ),
      ].join('\n'),
    );
  }
  if (segments.length > 0) {
    const frames = segments.flatMap((segment) => segment.frames);
    blocks.push(
      [
        'Frames',
        ...frames.map((frame) => {
          const place =
            frame.time === undefined
              ? formatPlace({ slides: [frame.slide ?? 0] }, noun)
              : `${formatTime(frame.time, 1)}${frame.slide === undefined ? '' : ` ${noun} ${frame.slide}`}`;
          return `  ${place.padStart(8)}  ${oneLine(frame.caption)}`;
        }),
      ].join('\n'),
    );
  }
  if (gaps.length > 0) {
    blocks.push(
      [
        'Gaps',
        ...gaps.map((gap) => `  ${formatPlace(gap, noun) || `segment ${gap.segment ?? ''}`}: ${gap.reason}`),
      ].join('\n'),
    );
  }
  blocks.push(
    `${source.type}, ${length}; ${formatCount(usage.frames, 'frame')}, ${formatCount(usage.output_tokens, 'token')} written by ${model.name}. ${result.notice}`,
  );
  return blocks.join('\n\n');
}

/** `0:00–1:01 (Slides 1–3)` where a video shows slides of its deck. */
function placeWithSlides(chapter: SummaryResult['chapters'][number], noun: string): string {
  const place = formatPlace(chapter, noun);
  const slides = chapter.start_time === undefined ? '' : formatPlace({ slides: chapter.slides }, noun);
  return slides === '' ? place : `${place} (${slides})`;
}

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, indent + line].join('\n');
}
