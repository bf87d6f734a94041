import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ResultFrame } from '../../schema/result.ts';
import { useObjectUrl } from '../shared/index.ts';
import { frameAt } from '../state/index.ts';

/** Browsers show the frame before a time that is cut by rounding; this little later is still within the frame. */
const NUDGE_SECONDS = 0.002;

interface Props {
  readonly file: File;
  readonly frames: readonly ResultFrame[];
  readonly selected: ResultFrame;
  readonly onSelect: (frame: number) => void;
}

/** Plays a file of this machine from the selected frame on; the selection follows the playing. */
export function LocalPlayer({ file, frames, selected, onSelect }: Props): JSX.Element {
  const url = useObjectUrl(file);
  const video = useRef<HTMLVideoElement>(null);
  const follows = useRef<number | undefined>(undefined);
  const [unplayable, setUnplayable] = useState(false);
  const { index, time = 0 } = selected;

  useEffect(() => {
    if (!video.current || url === undefined || follows.current === index) return;
    follows.current = index;
    video.current.currentTime = time + NUDGE_SECONDS;
  }, [index, time, url]);

  if (unplayable) {
    return <p class="viewer__note">This browser cannot play {file.name}. The frames are all here.</p>;
  }
  if (url === undefined) return <div />;
  return (
    // biome-ignore lint/a11y/useMediaCaption: the file is the user's own, and the caption of each frame stands below
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
        const shown = frameAt(frames, event.currentTarget.currentTime);
        if (!shown || shown.index === follows.current) return;
        follows.current = shown.index;
        onSelect(shown.index);
      }}
    />
  );
}
