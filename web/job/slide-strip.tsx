import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { frameNoun, slideNumber } from '../../exports/frame-label.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { FrameImage } from '../shared/index.ts';
import type { JobView } from '../state/index.ts';
import { targetPosition } from './timeline-keys.ts';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  readonly evidence: readonly number[];
  readonly onSelect: (frame: number) => void;
}

/** All slides in order, as one tab stop with arrow keys. */
export function SlideStrip({ view, selected, evidence, onSelect }: Props): JSX.Element {
  const strip = useRef<HTMLDivElement>(null);
  const { frames } = view;
  const evidenceFrames = new Set(
    view.segments.filter(({ index }) => evidence.includes(index)).flatMap((segment) => segment.frames),
  );
  const noun = frameNoun(view.kind);
  const cells = listCells(view);
  const position = selected ? frames.indexOf(selected) : -1;

  useEffect(() => {
    const box = strip.current;
    const option = box?.querySelector('[aria-selected="true"]');
    if (!box || !(option instanceof HTMLElement)) return;
    const left = option.offsetLeft - box.offsetLeft;
    const right = left + option.offsetWidth;
    // scrollIntoView would also scroll the page.
    if (left < box.scrollLeft) box.scrollLeft = left;
    else if (right > box.scrollLeft + box.clientWidth) box.scrollLeft = right - box.clientWidth;
  }, [position]);

  return (
    <div
      ref={strip}
      class="strip"
      role="listbox"
      aria-label={`${noun}s`}
      aria-orientation="horizontal"
      aria-activedescendant={selected ? `slide-${selected.index}` : undefined}
      tabIndex={0}
      onKeyDown={(event) => {
        const target = frames[targetPosition(event.key, position, frames.length) ?? -1];
        if (!target) return;
        event.preventDefault();
        onSelect(target.index);
      }}
    >
      {cells.map(({ number, frame }) =>
        frame ? (
          // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and references its active option
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list handles the keys
          <div
            key={frame.index}
            id={`slide-${frame.index}`}
            class={evidenceFrames.has(frame) ? 'strip__slide strip__slide--evidence' : 'strip__slide'}
            role="option"
            aria-selected={frame === selected}
            aria-label={`${noun} ${slideNumber(frame)}: ${frame.caption}`}
            onClick={() => onSelect(frame.index)}
          >
            <span class="thumb">
              <FrameImage path={frame.image} alt="" />
            </span>
            <span class="strip__number tabular">{slideNumber(frame)}</span>
          </div>
        ) : (
          <div key={`pending-${number}`} class="strip__slide" role="presentation">
            <span class="thumb" />
            <span class="strip__number tabular">{number}</span>
          </div>
        ),
      )}
    </div>
  );
}

/** Longer decks show only described slides. */
const MAX_PENDING_SLIDES = 500;

/** Returns the described slides and, while the job runs, empty cells for the pending ones. */
function listCells({
  frames,
  pages,
  isRunning,
}: JobView): readonly { number: number; frame?: ResultFrame }[] {
  const done = frames.map((frame) => ({ number: slideNumber(frame), frame }));
  if (!isRunning || pages > MAX_PENDING_SLIDES) return done;
  const numbers = new Set(done.map(({ number }) => number));
  const pending = Array.from({ length: pages }, (_, i) => ({ number: i + 1 })).filter(
    ({ number }) => !numbers.has(number),
  );
  return [...done, ...pending].sort((a, b) => a.number - b.number);
}
