/** A real Temporal server with what stands around it in most tests: a client, a connection for workers, and the workers. */
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { startTemporalServer, type TestServer } from './temporal-server.ts';

export interface TestTemporal extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: Client;
  readonly native: NativeConnection;
  /** Runs workers with these options until the end. */
  work(...workers: readonly Omit<WorkerOptions, 'connection'>[]): Promise<void>;
}

/** Starts all of it. To be called once in a process, whose Temporal logs errors only. `settings` are those of the server. */
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
    async work(...wanted) {
      const made = await Promise.all(
        wanted.map((options) => Worker.create({ ...options, connection: native })),
      );
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
