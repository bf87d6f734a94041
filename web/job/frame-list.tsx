import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { frameLabel, type LabelStyle } from '../../exports/frame-label.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { FrameImage } from '../shared/index.ts';
import type { JobView } from '../state/index.ts';
import { FrameLink } from './frame-link.tsx';

/** Long lists are rendered in steps to keep the page responsive. */
const ROWS_PER_STEP = 300;

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
  const [visibleRows, setVisibleRows] = useState(ROWS_PER_STEP);
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
          {rows.slice(0, visibleRows).map(({ segment, frame }, position) => (
            <li key={frame.index}>
              <FrameLink
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
              </FrameLink>
            </li>
          ))}
        </ol>
      )}
      {rows.length > visibleRows && (
        <button class="button" type="button" onClick={() => setVisibleRows(visibleRows + ROWS_PER_STEP)}>
          Show {Math.min(ROWS_PER_STEP, rows.length - visibleRows)} more
        </button>
      )}
    </section>
  );
}

function captionClass(frame: ResultFrame, before: ResultFrame | undefined): string {
  const repeated = before?.caption === frame.caption;
  return repeated ? 'frame-row__caption frame-row__caption--repeated' : 'frame-row__caption';
}
