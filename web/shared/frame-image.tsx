import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { useImageUrl } from './use-image-url.ts';

interface Props {
  /** Absent for a slide that could not be rendered. */
  readonly path: string | undefined;
  /** Empty where the caption is displayed beside the image. */
  readonly alt: string;
  readonly eager?: boolean;
}

/** The image of a frame, or an empty place. */
export function FrameImage({ path, ...rest }: Props): JSX.Element {
  return path === undefined ? <span class="frame-image" /> : <LoadedImage path={path} {...rest} />;
}

function LoadedImage({ path, alt, eager = false }: Props & { readonly path: string }): JSX.Element {
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
