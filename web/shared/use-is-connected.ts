import { useEffect, useState } from 'preact/hooks';
import { useServer } from './context.ts';

/** Whether the last request reached the server. */
export function useIsConnected(): boolean {
  const server = useServer();
  const [isConnected, setConnected] = useState(true);
  useEffect(() => server.onConnectionChange(setConnected), [server]);
  return isConnected;
}
