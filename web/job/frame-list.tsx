import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { frameLabel, type LabelStyle } from '../../exports/frame-label.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { FrameImage } from '../shared/index.ts';
import type { JobView } from '../state/index.ts';
import { JumpLink } from './jump-link.tsx';

/** Long lists are drawn in parts, so that a page of any length stays quick. */
const ROWS_AT_ONCE = 300;

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  readonly naming: LabelStyle;
}

/** Every frame with its caption, in the order of the source. */
export function FrameList({ view, selected, naming }: Props): JSX.Element {
  const rows = view.segments.flatMap(({ index, frames }) =>
    frames.map((frame) => ({ segment: index, frame })),
  );
  const [shown, setShown] = useState(ROWS_AT_ONCE);
  return (
    <section class="frames" aria-labelledby="frames-title">
      <h2 id="frames-title">
        {view.kind === 'video' ? 'Frames' : `${naming.noun}s`}{' '}
        {view.frames.length > 0 && <span class="muted tabular">{view.frames.length}</span>}
      </h2>
      {view.frames.length === 0 ? (
        <p class="empty">Frames and their captions appear as segments finish.</p>
      ) : (
        <ol class="frame-list">
          {rows.slice(0, shown).map(({ segment, frame }, position) => (
            <li key={frame.index}>
              <JumpLink
                class="frame-row"
                frame={frame.index}
                evidence={[segment]}
                current={frame === selected}
              >
                <span class="thumb">
                  <FrameImage path={frame.image} alt="" />
                </span>
                <span class="frame-row__place tabular">{frameLabel(frame, naming)}</span>
                <span class={captionClass(frame, rows[position - 1]?.frame)}>{frame.caption}</span>
              </JumpLink>
            </li>
          ))}
        </ol>
      )}
      {rows.length > shown && (
        <button class="button" type="button" onClick={() => setShown(shown + ROWS_AT_ONCE)}>
          Show {Math.min(ROWS_AT_ONCE, rows.length - shown)} more
        </button>
      )}
    </section>
  );
}

function captionClass(frame: ResultFrame, before: ResultFrame | undefined): string {
  const repeated = before?.caption === frame.caption;
  return repeated ? 'frame-row__caption frame-row__caption--repeated' : 'frame-row__caption';
}
