import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { formatTime } from '../../core/format.ts';
import { frameLabel, type LabelStyle } from '../../exports/frame-label.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { FrameImage } from '../shared/index.ts';
import { findFrameAt, type JobView } from '../state/index.ts';
import { ChapterBands } from './chapter-bands.tsx';
import { targetPosition } from './timeline-keys.ts';
import { axisLabelTimes, frameTickPath, sampleFilmStrip } from './timeline-scale.ts';
import { useWidth } from './use-width.ts';

/** Widths in CSS pixels. The matching heights at 16:9 are in timeline.css. */
const SLOT_WIDTH = 94;
const NARROW_SLOT_WIDTH = 62;
/** Narrower timelines use the narrow slots. */
const NARROW_TIMELINE_WIDTH = 600;
const MIN_LABEL_GAP = 80;

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  readonly evidence: readonly number[];
  readonly naming: LabelStyle;
  readonly onSelect: (frame: number) => void;
}

/** The timeline of a video, to scale. For the keyboard it is a slider with a step per frame. */
export function VideoTimeline({ view, selected, evidence, naming, onSelect }: Props): JSX.Element {
  const track = useRef<HTMLDivElement>(null);
  const width = useWidth(track);
  const { duration, frames } = view;
  const slots = sampleFilmStrip(
    view.segments,
    duration,
    Math.max(1, Math.round(width / (width < NARROW_TIMELINE_WIDTH ? NARROW_SLOT_WIDTH : SLOT_WIDTH))),
  );
  const toPercent = (time: number): string => `${duration > 0 ? Math.min(100, (100 * time) / duration) : 0}%`;

  const selectAt = (event: PointerEvent): void => {
    const box = track.current?.getBoundingClientRect();
    if (!box || duration <= 0) return;
    const frame = findFrameAt(frames, ((event.clientX - box.left) / box.width) * duration);
    if (frame && frame.index !== selected?.index) onSelect(frame.index);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const position = selected ? frames.indexOf(selected) : 0;
    const target = frames[targetPosition(event.key, position, frames.length) ?? -1];
    if (!target) return;
    event.preventDefault();
    onSelect(target.index);
  };

  return (
    <div class="timeline">
      <ChapterBands view={view} selected={selected} toPercent={toPercent} />
      <div
        ref={track}
        class="timeline__track"
        role="slider"
        tabIndex={0}
        aria-label="Timeline"
        aria-valuemin={0}
        aria-valuemax={duration}
        aria-valuenow={selected?.time ?? 0}
        aria-valuetext={selected ? `${frameLabel(selected, naming)}: ${selected.caption}` : 'No frames yet'}
        aria-disabled={frames.length === 0}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          selectAt(event);
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) selectAt(event);
        }}
      >
        <div class="film">
          {slots.map(({ frame }, slot) => (
            <div key={slot} class={frame ? 'film__slot' : 'film__slot film__slot--pending'}>
              {frame && <FrameImage path={frame.image} alt="" eager />}
            </div>
          ))}
        </div>
        <SegmentLane view={view} evidence={evidence} toPercent={toPercent} />
        <svg class="ticks" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
          <path d={frameTickPath(frames, duration)} vector-effect="non-scaling-stroke" />
        </svg>
        {selected && duration > 0 && (
          <span class="playhead" style={{ left: toPercent(selected.time ?? 0) }} />
        )}
      </div>
      <TimeAxis duration={duration} width={width} toPercent={toPercent} />
    </div>
  );
}

type ToPercent = (time: number) => string;

/** The described segments to scale, with gaps. Segments in `evidence` are highlighted. */
function SegmentLane({
  view,
  evidence,
  toPercent,
}: Pick<Props, 'view' | 'evidence'> & { toPercent: ToPercent }): JSX.Element {
  return (
    <div class="lane">
      {view.segments.map(({ index, startTime = 0, endTime = 0 }) => (
        <span
          key={index}
          class={evidence.includes(index) ? 'lane__segment lane__segment--evidence' : 'lane__segment'}
          style={{ left: toPercent(startTime), width: toPercent(endTime - startTime) }}
        />
      ))}
      {view.gaps.map(
        ({ segment, startTime, endTime }) =>
          segment !== undefined &&
          startTime !== undefined &&
          endTime !== undefined && (
            <span
              key={`gap-${segment}`}
              class="lane__segment lane__segment--gap"
              style={{ left: toPercent(startTime), width: toPercent(endTime - startTime) }}
            />
          ),
      )}
    </div>
  );
}

function TimeAxis({
  duration,
  width,
  toPercent,
}: {
  duration: number;
  width: number;
  toPercent: ToPercent;
}): JSX.Element {
  return (
    <div class="axis tabular" aria-hidden="true">
      {axisLabelTimes(duration, width, MIN_LABEL_GAP).map((time) => (
        <span
          key={time}
          class={time === 0 ? 'axis__label axis__label--first' : 'axis__label'}
          style={{ left: toPercent(time) }}
        >
          {formatTime(time)}
        </span>
      ))}
      {duration > 0 && <span class="axis__label axis__label--last">{formatTime(duration)}</span>}
    </div>
  );
}
