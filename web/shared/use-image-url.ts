import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useServer } from './context.ts';
import { useObjectUrl } from './use-object-url.ts';

/**
 * What to give an `<img>` for a picture of the API. Where the server wants a key, an `<img>` can't send it: the picture is
 * then fetched when it comes near the view, and shown from memory.
 */
export function usePicture(path: string, ref: RefObject<HTMLImageElement>): string | undefined {
  const server = useServer();
  const direct = server.pictureAddress(path);
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
        // A picture that can't be had stays an empty tile; its caption is there all the same.
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
