/** A real Temporal server with a client, a connection for workers, and workers. */
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { startTemporalServer, type TestServer } from './temporal-server.ts';

export interface TestTemporal extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: Client;
  readonly native: NativeConnection;
  /** Starts workers with these options. They run until disposal. */
  runWorkers(...workers: readonly Omit<WorkerOptions, 'connection'>[]): Promise<void>;
}

/**
 * Starts the server. Call it once per process, because it installs the Temporal runtime, which logs errors only.
 * `settings` are those of the server.
 */
export async function startTemporal(settings: readonly string[] = []): Promise<TestTemporal> {
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  const server = await startTemporalServer(settings);
  const native = await NativeConnection.connect({ address: server.address });
  const connection = await Connection.connect({ address: server.address });
  const workers: Worker[] = [];
  const running: Promise<void>[] = [];
  return {
    server,
    client: new Client({ connection }),
    native,
    async runWorkers(...options) {
      const made = await Promise.all(options.map((each) => Worker.create({ ...each, connection: native })));
      workers.push(...made);
      running.push(...made.map((worker) => worker.run()));
    },
    async [Symbol.asyncDispose]() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await native.close();
      await connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
