/** Free ports on loopback. */
import { createServer } from 'node:net';

/** Whether a server can listen on `port` of `host`. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await probePort(port, host)) !== undefined;
}

/** Returns distinct free ports. They are not reserved: another process may take one before it is used. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = await probePort(0, '127.0.0.1');
    if (port !== undefined) ports.add(port);
  }
  return [...ports];
}

/** Listens on the port for a moment. Returns the actual port, or undefined if it is taken. */
function probePort(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
