import type { JSX } from 'preact';
import { formatCount, formatTime, formatWait } from '../../core/format.ts';
import { HOME_HREF, StatusChip } from '../shared/index.ts';
import type { JobView } from '../state/index.ts';
import { ResultActions } from './result-actions.tsx';

/** Title, facts and actions of a job. */
export function JobHeader({ view }: { readonly view: JobView }): JSX.Element {
  return (
    <header class="job-header">
      <a class="back" href={HOME_HREF}>
        All summaries
      </a>
      <div class="job-header__line">
        <h1>{view.title}</h1>
        <StatusChip status={view.status} />
      </div>
      <p class="facts muted tabular">{listFacts(view).join(' · ')}</p>
      {view.result && <ResultActions result={view.result} name={view.name} />}
    </header>
  );
}

function listFacts(view: JobView): readonly string[] {
  const { result } = view;
  const facts: string[] = [];
  if (view.title !== view.name) facts.push(view.name);
  if (view.kind === 'video' && view.duration > 0) facts.push(formatTime(view.duration));
  if (view.kind !== 'video' && view.pages > 0) {
    facts.push(formatCount(view.pages, view.kind === 'deck' ? 'slide' : 'image'));
  }
  if (result?.source.width !== undefined && result.source.height !== undefined) {
    facts.push(`${result.source.width} × ${result.source.height}`);
  }
  if (view.kind === 'video' && view.frames.length > 0) facts.push(formatCount(view.frames.length, 'frame'));
  if (result && result.coverage < 1) facts.push(`${Math.floor(result.coverage * 100)} % described`);
  if (result) facts.push(result.model.name);
  if (view.wallSeconds !== undefined) facts.push(`took ${formatWait(view.wallSeconds)}`);
  return [...new Set(facts)]; // the name of a list of images is their number
}
