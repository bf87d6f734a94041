import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ResultFrame } from '../../schema/result.ts';
import type { JobView } from '../job-view.ts';
import { stepFor } from '../timeline-keys.ts';
import { FrameImage } from './frame-image.tsx';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  readonly evidence: readonly number[];
  readonly onSelect: (frame: number) => void;
}

/** All slides in order, one tab stop, arrow keys to walk. */
export function SlideStrip({ view, selected, evidence, onSelect }: Props): JSX.Element {
  const strip = useRef<HTMLDivElement>(null);
  const { frames } = view;
  const supported = new Set(
    view.segments.filter(({ index }) => evidence.includes(index)).flatMap((segment) => segment.frames),
  );
  const pending = Math.max(0, view.running ? view.pages - frames.length : 0);
  const position = selected ? frames.indexOf(selected) : -1;

  useEffect(() => {
    const box = strip.current;
    const option = box?.children[position];
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
      aria-label="Slides"
      aria-orientation="horizontal"
      aria-activedescendant={selected ? `slide-${selected.index}` : undefined}
      tabIndex={0}
      onKeyDown={(event) => {
        const target = frames[stepFor(event.key, position, frames.length) ?? -1];
        if (!target) return;
        event.preventDefault();
        onSelect(target.index);
      }}
    >
      {frames.map((frame) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the list holds the focus and names its active option
        // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys
        <div
          key={frame.index}
          id={`slide-${frame.index}`}
          class={supported.has(frame) ? 'strip__slide strip__slide--evidence' : 'strip__slide'}
          role="option"
          aria-selected={frame === selected}
          aria-label={`Slide ${frame.slide ?? frame.index + 1}: ${frame.caption}`}
          onClick={() => onSelect(frame.index)}
        >
          <span class="thumb">
            <FrameImage path={frame.image} alt="" />
          </span>
          <span class="strip__number tabular">{frame.slide ?? frame.index + 1}</span>
        </div>
      ))}
      {Array.from({ length: Math.min(pending, 40) }, (_, index) => (
        <div key={`pending-${index}`} class="strip__slide" role="presentation">
          <span class="thumb thumb--pending" />
        </div>
      ))}
    </div>
  );
}
