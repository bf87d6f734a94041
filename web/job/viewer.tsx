import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { frameLabel, type LabelStyle } from '../../exports/frame-label.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { FrameImage, Icon } from '../shared/index.ts';
import type { JobView } from '../state/index.ts';
import { LocalVideoPlayer } from './local-player.tsx';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  readonly naming: LabelStyle;
  readonly localVideo: File | undefined;
  readonly onSelect: (frame: number) => void;
}

/** The selected frame with its time and caption, or the player if the video file is local. */
export function FrameViewer({ view, selected, naming, localVideo, onSelect }: Props): JSX.Element {
  const [playing, setPlaying] = useState(false);
  if (!selected) {
    return (
      <div class="viewer">
        <div class="viewer__image viewer__image--empty">
          <p class="muted">The first frames appear here.</p>
        </div>
      </div>
    );
  }
  const position = view.frames.indexOf(selected);
  const before = view.frames[position - 1];
  const after = view.frames[position + 1];
  const slide = view.result?.slides?.find((candidate) => candidate.slide === selected.slide);
  return (
    <figure class="viewer">
      <div class="viewer__image">
        {playing && localVideo ? (
          <LocalVideoPlayer file={localVideo} frames={view.frames} selected={selected} onSelect={onSelect} />
        ) : (
          <FrameImage path={selected.image} alt={selected.caption} eager />
        )}
      </div>
      <figcaption class="viewer__caption">
        <div class="viewer__bar">
          <span class="viewer__place tabular">
            {frameLabel(selected, naming)}
            {selected.time !== undefined && selected.slide !== undefined && `, slide ${selected.slide}`}
          </span>
          {slide?.title && <span class="viewer__title">{slide.title}</span>}
          {localVideo && (
            <button class="button button--small" type="button" onClick={() => setPlaying(!playing)}>
              <Icon name={playing ? 'images' : 'play'} />
              {playing ? 'Show frame' : `Play from ${frameLabel(selected, naming)}`}
            </button>
          )}
          <span class="viewer__count muted tabular">
            {position + 1} of {view.frames.length}
          </span>
          <button
            class="button button--small button--icon"
            type="button"
            aria-label="Previous frame"
            disabled={!before}
            onClick={() => before && onSelect(before.index)}
          >
            <Icon name="previous" />
          </button>
          <button
            class="button button--small button--icon"
            type="button"
            aria-label="Next frame"
            disabled={!after}
            onClick={() => after && onSelect(after.index)}
          >
            <Icon name="next" />
          </button>
        </div>
        <p class="viewer__text">{selected.caption}</p>
        {slide?.text && (
          <details class="viewer__slide">
            <summary>Text on the slide</summary>
            <p>{slide.text}</p>
          </details>
        )}
        {slide?.notes && (
          <details class="viewer__slide">
            <summary>Speaker notes</summary>
            <p>{slide.notes}</p>
          </details>
        )}
      </figcaption>
    </figure>
  );
}
