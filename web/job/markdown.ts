/** Formats a result as a Markdown document. */

import { formatPlace, formatTime } from '../../core/format.ts';
import { frameLabel, type LabelStyle, labelStyleFor, spanLabel } from '../../exports/frame-label.ts';
import type { ResultFrame, SummaryResult } from '../../schema/result.ts';
import type { SourceKind } from '../shared/index.ts';
import { groupEvidence, type SegmentView, toSegmentView } from '../state/index.ts';

/**
 * The whole result: summary with its evidence, chapters, frames with captions, gaps, and what made it. Ends
 * with a newline.
 */
export function formatMarkdown(result: SummaryResult): string {
  const segments = result.segments.map(toSegmentView);
  const frames = result.segments.flatMap((segment) => segment.frames);
  const naming = labelStyleFor(result.source.type, frames);
  const blocks = [
    `# ${escapeMarkdown(result.title)}`,
    result.sentences.length > 0
      ? result.sentences.map((sentence) => withEvidence(sentence, segments, result.source.type)).join('\n')
      : escapeMarkdown(result.summary),
  ];
  if (result.chapters.length > 0) {
    blocks.push('## Chapters');
    for (const chapter of result.chapters) {
      blocks.push(
        `### ${heading(formatPlace(chapter, naming.noun), chapter.title)}`,
        escapeMarkdown(chapter.summary),
      );
    }
  }
  if (frames.length > 0) blocks.push('## Frames', frames.map((frame) => frameLine(frame, naming)).join('\n'));
  if (result.gaps.length > 0) {
    const lines = result.gaps.map(
      (gap) =>
        `- ${formatPlace(gap, naming.noun) || `Segment ${gap.segment ?? ''}`}: not described (\`${gap.reason}\`)`,
    );
    blocks.push('## Gaps', lines.join('\n'));
  }
  blocks.push('---', footer(result));
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function withEvidence(
  sentence: SummaryResult['sentences'][number],
  segments: readonly SegmentView[],
  kind: SourceKind,
): string {
  const places = groupEvidence(segments, sentence.segments).map(({ label }) => label);
  const text = escapeMarkdown(sentence.text);
  return places.length > 0 ? `${text} (${spanLabel(kind, places.join(', '))})` : text;
}

function heading(place: string, title: string): string {
  return place === '' ? escapeMarkdown(title) : `${place} · ${escapeMarkdown(title)}`;
}

function frameLine(frame: ResultFrame, naming: LabelStyle): string {
  return `- **${frameLabel(frame, naming)}** ${escapeMarkdown(frame.caption)}`;
}

function footer({ source, model, notice }: SummaryResult): string {
  const length =
    source.duration === undefined ? `${source.pages ?? 0} pages` : `${formatTime(source.duration)} long`;
  return [
    escapeMarkdown(notice),
    `Source: ${source.type}, ${length}, SHA-256 \`${source.sha256}\`. Model: ${escapeMarkdown(model.name)} (${escapeMarkdown(model.revision)}).`,
  ].join('\n\n');
}

/** Escapes text of a model or a slide to one line without markup, links or images. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]<>|~&]/g, '\\$&')
    .replace(/^(?=[#+=-])/, '\\')
    .replace(/^(\d+)(?=[.)])/, '$1\\');
}
