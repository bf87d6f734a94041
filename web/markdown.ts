/** A result as a Markdown document. Pure; no DOM. */
import type { ResultFrame, ResultSegment, SummaryResult } from '../schema/result.ts';
import { formatPlace, formatTime } from './format.ts';

/** The whole result: summary with its evidence, chapters, frames with captions, gaps, and what made it. Ends with a newline. */
export function markdownOf(result: SummaryResult): string {
  const segments = new Map(result.segments.map((segment) => [segment.index, segment]));
  const blocks = [
    `# ${escapeMarkdown(result.title)}`,
    result.sentences.length > 0
      ? result.sentences.map((sentence) => withEvidence(sentence, segments)).join('\n')
      : escapeMarkdown(result.summary),
  ];
  if (result.chapters.length > 0) {
    blocks.push('## Chapters');
    for (const chapter of result.chapters) {
      blocks.push(`### ${heading(formatPlace(chapter), chapter.title)}`, escapeMarkdown(chapter.summary));
    }
  }
  const frames = result.segments.flatMap((segment) => segment.frames);
  if (frames.length > 0) blocks.push('## Frames', frames.map(frameLine).join('\n'));
  if (result.gaps.length > 0) {
    const lines = result.gaps.map(
      (gap) => `- ${formatPlace(gap) || `Segment ${gap.segment}`}: not described (\`${gap.reason}\`)`,
    );
    blocks.push('## Gaps', lines.join('\n'));
  }
  blocks.push('---', footer(result));
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function withEvidence(
  sentence: { readonly text: string; readonly segments: readonly number[] },
  segments: ReadonlyMap<number, ResultSegment>,
): string {
  const places = sentence.segments
    .map((index) => segments.get(index))
    .filter((segment) => segment !== undefined)
    .map(formatPlace)
    .filter((place) => place !== '');
  const text = escapeMarkdown(sentence.text);
  return places.length > 0 ? `${text} (${places.join('; ')})` : text;
}

function heading(place: string, title: string): string {
  return place === '' ? escapeMarkdown(title) : `${place} · ${escapeMarkdown(title)}`;
}

function frameLine(frame: ResultFrame): string {
  const place =
    frame.time === undefined ? `Slide ${frame.slide ?? frame.index + 1}` : formatTime(frame.time, 1);
  return `- **${place}** ${escapeMarkdown(frame.caption)}`;
}

function footer({ source, model, notice }: SummaryResult): string {
  const length =
    source.duration === undefined ? `${source.pages ?? 0} pages` : `${formatTime(source.duration)} long`;
  return [
    escapeMarkdown(notice),
    `Source: ${source.type}, ${length}, SHA-256 \`${source.sha256}\`. Model: ${escapeMarkdown(model.name)} (${escapeMarkdown(model.revision)}).`,
  ].join('\n\n');
}

/** Text of a model or a slide as one plain line: nothing in it becomes markup, a link or a picture. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]<>|~&]/g, '\\$&')
    .replace(/^(?=[#+=-])/, '\\')
    .replace(/^(\d+)(?=[.)])/, '$1\\');
}
