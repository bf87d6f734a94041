/** Free ports on loopback. */
import { createServer } from 'node:net';

/** Whether `port` can be listened on at `host`. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await bind(port, host)) !== undefined;
}

/** Distinct ports that nobody listens on at the moment. They are not held: the caller must cope with losing one. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = await bind(0, '127.0.0.1');
    if (port !== undefined) ports.add(port);
  }
  return [...ports];
}

/** Listens on the port for a moment; the port it got, or undefined where it is taken. */
function bind(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
