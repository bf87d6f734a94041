/** Contexts of the component tree: the server connection, and navigation from a text to its frames. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ServerConnection } from './server.ts';

export const ServerContext = createContext<ServerConnection | undefined>(undefined);

/** Throws outside a ServerContext. */
export function useServer(): ServerConnection {
  const server = useContext(ServerContext);
  if (!server) throw new Error('useServer requires a ServerContext');
  return server;
}

export interface FrameNavigation {
  /** Returns the link to a frame of this job. */
  hrefOf(frame: number): string;
  /** Selects a frame, scrolls it into view, and highlights the segments with the evidence of a text. */
  goTo(frame: number, evidence: readonly number[]): void;
}

export const FrameNavigationContext = createContext<FrameNavigation | undefined>(undefined);

/** Throws outside a FrameNavigationContext. */
export function useFrameNavigation(): FrameNavigation {
  const jump = useContext(FrameNavigationContext);
  if (!jump) throw new Error('useFrameNavigation requires a FrameNavigationContext');
  return jump;
}
