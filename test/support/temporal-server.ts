/** A real Temporal development server for one test file, in memory, on free ports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Connection } from '@temporalio/client';
import { findFreePorts } from '../../cli/embedded/ports.ts';
import { FAIR_QUEUE_CONFIG } from '../../cli/embedded/temporal-server.ts';
import { findTool } from '../../cli/find-tool.ts';
import { SEARCH_ATTRIBUTES } from '../../schema/search-attributes.ts';

export interface TestServer extends AsyncDisposable {
  readonly address: string;
  /** URL of its HTTP API, such as `http://127.0.0.1:7243`. */
  readonly httpUrl: string;
}

/**
 * Starts the server and waits until it responds. Throws if the set-up has not installed the program. `settings` are
 * dynamic configuration, as `name=value`.
 */
export async function startTemporalServer(settings: readonly string[] = []): Promise<TestServer> {
  const program = findTool('temporal', process.env);
  if (program === undefined) throw new Error('no Temporal CLI: run `node scripts/setup.mjs test`');
  const [port, httpPort] = await findFreePorts(2);
  const address = `127.0.0.1:${port}`;
  const child = spawn(
    program,
    [
      ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--log-level', 'error'],
      ...['--port', String(port), '--http-port', String(httpPort)],
      ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
        '--search-attribute',
        `${name}=${type}`,
      ]),
      ...[...FAIR_QUEUE_CONFIG, ...settings].flatMap((setting) => ['--dynamic-config-value', setting]),
    ],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  for (;;) {
    if (child.exitCode !== null) throw new Error('the Temporal server exited during its start');
    try {
      const connection = await Connection.connect({ address, connectTimeout: 500 });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.close();
      break;
    } catch {
      // not up yet; `connectTimeout` paces the loop
    }
  }
  return {
    address,
    httpUrl: `http://127.0.0.1:${httpPort}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
