import { useEffect, useState } from 'preact/hooks';
import { useServer } from './context.ts';

/** Whether the last request reached the server. */
export function useConnection(): boolean {
  const server = useServer();
  const [up, setUp] = useState(true);
  useEffect(() => server.onConnection(setUp), [server]);
  return up;
}
