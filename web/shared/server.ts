/**
 * The server of this page: the typed client, the API key of this session, and the state of the connection.
 */
import { createClient, type FrameloomClient } from '../../client/index.ts';

export interface ServerConnection {
  readonly client: FrameloomClient;
  /** Returns the URL of an image for `<img>`, or undefined if it must be fetched with an API key. */
  imageUrl(path: string): string | undefined;
  /** Stores the key until the tab is closed. It is used from the next load of the page. */
  saveApiKey(key: string): void;
  /**
   * Calls `listener` after each request with whether the server was reached. Returns the unsubscribe
   * function.
   */
  onConnectionChange(listener: (isConnected: boolean) => void): () => void;
}

const STORAGE_KEY = 'frameloom.api-key';

/** `storage` is the session storage of the tab. */
export function createServerConnection(storage: Storage): ServerConnection {
  const key = storage.getItem(STORAGE_KEY) ?? undefined;
  const listeners = new Set<(isConnected: boolean) => void>();
  const notify = (isConnected: boolean): void => {
    for (const listener of listeners) listener(isConnected);
  };
  const observedFetch: typeof fetch = async (input, init) => {
    try {
      const response = await fetch(input, init);
      notify(true);
      return response;
    } catch (error) {
      if (!init?.signal?.aborted) notify(false);
      throw error;
    }
  };
  return {
    client: createClient({ fetch: observedFetch, ...(key === undefined ? {} : { apiKey: key }) }),
    imageUrl: (path) => (key === undefined ? path : undefined),
    saveApiKey: (given) => storage.setItem(STORAGE_KEY, given),
    onConnectionChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
