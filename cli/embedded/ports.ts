/** Free ports. */
import { createServer } from 'node:net';
import { listenError } from '../../config/listen-error.ts';

/** The port that is asked for, and whether it was named by a setting. */
export interface WantedPort {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  /** Whether a free port may be used instead where this one is taken. */
  readonly isDefault: boolean;
}

/**
 * Returns the port to listen on: the wanted one, or 0, for a free one, where that is a default and taken.
 *
 * @throws SettingsError when a port that a setting names cannot be used
 */
export async function choosePort({ port, host, isDefault }: WantedPort): Promise<number> {
  try {
    await probePort(port, host);
    return port;
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (isDefault && isTaken) return 0;
    throw listenError(error, host, port);
  }
}

/** Returns distinct free ports on loopback. They are not reserved: another process may take one before it is used. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await probePort(0, '127.0.0.1'));
  return [...ports];
}

/** Listens on the port for a moment. Returns the actual port. @throws the error of `listen` */
function probePort(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}
