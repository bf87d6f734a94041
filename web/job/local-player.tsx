import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ResultFrame } from '../../schema/result.ts';
import { useObjectUrl } from '../shared/index.ts';
import { findFrameAt } from '../state/index.ts';

/** Browsers round times and may show the previous frame. This offset stays within the frame. */
const SEEK_OFFSET_SECONDS = 0.002;

interface Props {
  readonly file: File;
  readonly frames: readonly ResultFrame[];
  readonly selected: ResultFrame;
  readonly onSelect: (frame: number) => void;
}

/** Plays a local file from the selected frame. The selection follows the playback. */
export function LocalVideoPlayer({ file, frames, selected, onSelect }: Props): JSX.Element {
  const url = useObjectUrl(file);
  const video = useRef<HTMLVideoElement>(null);
  const playedFrame = useRef<number | undefined>(undefined);
  const [isUnplayable, setUnplayable] = useState(false);
  const { index, time = 0 } = selected;

  useEffect(() => {
    if (!video.current || url === undefined || playedFrame.current === index) return;
    playedFrame.current = index;
    video.current.currentTime = time + SEEK_OFFSET_SECONDS;
  }, [index, time, url]);

  if (isUnplayable) {
    return <p class="viewer__note">This browser cannot play {file.name}. All frames are available below.</p>;
  }
  if (url === undefined) return <div />;
  return (
    // biome-ignore lint/a11y/useMediaCaption: the file is the user's own, and the caption of each frame is displayed below
    <video
      ref={video}
      class="viewer__video"
      src={url}
      controls
      autoPlay
      playsInline
      aria-label={file.name}
      onError={() => setUnplayable(true)}
      onTimeUpdate={(event) => {
        if (event.currentTarget.seeking) return;
        const shown = findFrameAt(frames, event.currentTarget.currentTime);
        if (!shown || shown.index === playedFrame.current) return;
        playedFrame.current = shown.index;
        onSelect(shown.index);
      }}
    />
  );
}
