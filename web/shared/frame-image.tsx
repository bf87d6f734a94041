import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { usePicture } from './use-image-url.ts';

interface Props {
  readonly path: string;
  /** Empty where the caption stands beside the picture. */
  readonly alt: string;
  readonly eager?: boolean;
}

/** A picture of a job. */
export function FrameImage({ path, alt, eager = false }: Props): JSX.Element {
  const ref = useRef<HTMLImageElement>(null);
  const src = usePicture(path, ref);
  return (
    <img
      ref={ref}
      class="frame-image"
      src={src}
      alt={alt}
      loading={eager ? 'eager' : 'lazy'}
      decoding="async"
      draggable={false}
    />
  );
}
