/** What components deep in the tree share: the server, and the jump from a text to the frame it speaks of. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Server } from './server.ts';

export const ServerContext = createContext<Server | undefined>(undefined);

/** Throws outside a ServerContext, which is a mistake of the program. */
export function useServer(): Server {
  const server = useContext(ServerContext);
  if (!server) throw new Error('no server was given');
  return server;
}

export interface Jump {
  /** Address of a frame of the shown job. */
  hrefOf(frame: number): string;
  /** Selects a frame, brings it into view, and marks the segments a text rests on. */
  to(frame: number, evidence: readonly number[]): void;
}

export const JumpContext = createContext<Jump | undefined>(undefined);

/** Throws outside a JumpContext, which is a mistake of the program. */
export function useJump(): Jump {
  const jump = useContext(JumpContext);
  if (!jump) throw new Error('no jump was given');
  return jump;
}
