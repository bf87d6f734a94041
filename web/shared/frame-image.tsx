import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { useImageUrl } from './use-image-url.ts';

interface Props {
  readonly path: string;
  /** Empty where the caption is displayed beside the image. */
  readonly alt: string;
  readonly eager?: boolean;
}

/** The image of a frame. */
export function FrameImage({ path, alt, eager = false }: Props): JSX.Element {
  const ref = useRef<HTMLImageElement>(null);
  const src = useImageUrl(path, ref);
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
