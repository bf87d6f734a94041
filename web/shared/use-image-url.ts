import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useServer } from './context.ts';
import { useObjectUrl } from './use-object-url.ts';

/**
 * Returns the `src` of an `<img>` for an image of the API. An `<img>` cannot send an API key: with a key,
 * the image is fetched when it is scrolled into view, and displayed from memory.
 */
export function useImageUrl(path: string, ref: RefObject<HTMLImageElement>): string | undefined {
  const server = useServer();
  const direct = server.imageUrl(path);
  const [blob, setBlob] = useState<Blob | undefined>(undefined);
  useEffect(() => {
    const element = ref.current;
    setBlob(undefined);
    if (direct !== undefined || !element) return undefined;
    const controller = new AbortController();
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        // If the image cannot be loaded, the tile stays empty; its caption is displayed.
        const { client } = server;
        client
          .getFrame('' /* the path names the job */, path, { signal: controller.signal })
          .then(setBlob, () => {});
      },
      { rootMargin: '200px' },
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      controller.abort();
    };
  }, [server, path, direct, ref]);
  const fetched = useObjectUrl(blob);
  return direct ?? fetched;
}
