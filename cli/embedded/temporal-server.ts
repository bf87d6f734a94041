/**
 * Temporal's development server as a child of the embedded system: one SQLite file, loopback only, free
 * ports.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEARCH_ATTRIBUTES } from '../../schema/search-attributes.ts';
import { findFreePorts } from './ports.ts';
import type { ProcessSpec } from './supervised-process.ts';

export interface TemporalReady {
  /** Frontend, host:port. The same after every restart, so that workers can reconnect. */
  readonly address: string;
  readonly port: number;
  readonly httpPort: number;
}

/**
 * Dynamic configuration for fair sharing among tenants of one priority and strict order of priorities. A
 * queue with several partitions orders tasks only within each partition.
 */
export const FAIR_QUEUE_CONFIG = [
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
] as const;

/** Attributes that lists and counts of jobs filter by. */

const START_TIMEOUT_MS = 60_000;
/** 30 days. The default of the development server, one day, is too short for a list of past jobs. */
const RETENTION = `${30 * 24 * 3600}s`;

export function temporalServerSpec(options: {
  readonly program: string;
  readonly home: string;
  readonly namespace: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): ProcessSpec<TemporalReady> {
  const { program, home, namespace, env } = options;
  let ports: TemporalReady | undefined;
  return {
    name: 'Temporal server',
    logFile: join(home, 'logs', 'temporal.log'),
    // It logs errors that it recovers from, such as a poll that ended with its worker.
    forwardsErrors: false,
    ipc: false,
    async launch(ready) {
      const [port = 0, httpPort = 0] = ready ? [ready.port, ready.httpPort] : await findFreePorts(2);
      ports = { address: `127.0.0.1:${port}`, port, httpPort };
      return { command: program, args: serverArguments(home, namespace, port, httpPort), env };
    },
    async waitUntilReady(_child, signal) {
      if (ports === undefined) throw new Error('launch was not called');
      await waitUntilServing(ports.httpPort, namespace, signal);
      return ports;
    },
    onStart: stopWithSupervisor,
  };
}

function serverArguments(home: string, namespace: string, port: number, httpPort: number): readonly string[] {
  return [
    'server',
    'start-dev',
    '--headless',
    ...['--ip', '127.0.0.1'],
    ...['--port', String(port)],
    ...['--http-port', String(httpPort)],
    ...['--namespace', namespace],
    ...['--db-filename', join(home, 'temporal.db')],
    // One disk write per transaction instead of several; as safe as the default against a power failure.
    ...['--sqlite-pragma', 'journal_mode=wal'],
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...FAIR_QUEUE_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...['--log-format', 'json'],
  ];
}

/**
 * Waits until the namespace has the search attributes, which the server adds last, and sets the retention.
 */
async function waitUntilServing(httpPort: number, namespace: string, died: AbortSignal): Promise<void> {
  const address = `http://127.0.0.1:${httpPort}/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const signal = AbortSignal.any([died, AbortSignal.timeout(START_TIMEOUT_MS)]);
  // Not `retry`: it polls at a fixed, short interval, also after a response without the attributes.
  for (;;) {
    signal.throwIfAborted();
    try {
      const response = await fetch(address, { signal });
      const text = response.ok ? await response.text() : '';
      if (Object.keys(SEARCH_ATTRIBUTES).every((name) => text.includes(name))) break;
    } catch {
      // not listening yet
    }
    await sleep(50, undefined, { signal });
  }
  await fetch(`${address}/update`, {
    method: 'POST',
    body: JSON.stringify({ config: { workflowExecutionRetentionTtl: RETENTION } }),
    signal,
  });
}

/**
 * The server does not notice when the supervisor is killed. A shell does: its standard input closes, and it
 * stops the server. Returns a function that ends the shell.
 */
function stopWithSupervisor(server: ChildProcess): () => void {
  const script = 'read -r _; kill -TERM "$1"; sleep 5; kill -KILL "$1"';
  const guard = spawn('sh', ['-c', script, 'frameloom-guard', String(server.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {}); // no shell: the server then outlives a killed supervisor
  guard.unref();
  return () => guard.kill('SIGKILL');
}
