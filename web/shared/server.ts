/** The server this page came from: the typed client, the key of this session, and whether the line is up. */
import { createClient, type FrameloomClient } from '../../client/index.ts';

export interface Server {
  readonly client: FrameloomClient;
  /** The address of a picture that an `<img>` can load by itself, or undefined where it has to be fetched with a key. */
  pictureAddress(path: string): string | undefined;
  /** Keeps the key for as long as the tab lives. It counts from the next load of the page on. */
  keepKey(key: string): void;
  /** Tells `listener` of every change between reachable (true) and not. Returns what ends the telling. */
  onConnection(listener: (up: boolean) => void): () => void;
}

const KEY = 'frameloom.api-key';

/** `storage` is the session's, so that a key never outlives the tab. */
export function connect(storage: Storage): Server {
  const key = storage.getItem(KEY) ?? undefined;
  const listeners = new Set<(up: boolean) => void>();
  const tell = (up: boolean): void => {
    for (const listener of listeners) listener(up);
  };
  const watched: typeof fetch = async (input, init) => {
    try {
      const response = await fetch(input, init);
      tell(true);
      return response;
    } catch (error) {
      if (!init?.signal?.aborted) tell(false);
      throw error;
    }
  };
  return {
    client: createClient({ fetch: watched, ...(key === undefined ? {} : { apiKey: key }) }),
    pictureAddress: (path) => (key === undefined ? path : undefined),
    keepKey: (given) => storage.setItem(KEY, given),
    onConnection(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
