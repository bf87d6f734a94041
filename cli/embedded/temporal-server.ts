/** Temporal's development server as a child of the embedded system: one SQLite file, loopback only, free ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from './ports.ts';
import type { ProcessSpec } from './supervised-process.ts';

export interface TemporalReady {
  /** Frontend, host:port. The same after every restart: workers keep their connections by it. */
  readonly address: string;
  readonly port: number;
  readonly httpPort: number;
}

/**
 * Dynamic configuration by which tenants of one priority share evenly, and priorities are kept to: a queue in several partitions
 * orders within each of them only.
 */
export const FAIR_QUEUE_CONFIG = [
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
] as const;

/** What lists and counts of jobs ask by. */
const SEARCH_ATTRIBUTES = ['FrameloomTenant', 'FrameloomPriority'] as const;

const START_MS = 60_000;
/** The development server keeps closed workflows for a day; people look for their summaries longer. */
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
    // It calls many things errors that it mends by itself, such as a poll that ended with its worker.
    forwardsErrors: false,
    ipc: false,
    async launch(ready) {
      const [port = 0, httpPort = 0] = ready ? [ready.port, ready.httpPort] : await findFreePorts(2);
      ports = { address: `127.0.0.1:${port}`, port, httpPort };
      return { command: program, args: serverArguments(home, namespace, port, httpPort), env };
    },
    async waitUntilReady(_child, signal) {
      if (ports === undefined) throw new Error('launch comes first');
      await untilServing(ports.httpPort, namespace, signal);
      return ports;
    },
    onStart: endWithSupervisor,
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
    // A log beside the file takes one write to the disk for each transaction, a rollback journal several; both survive a power cut.
    ...['--sqlite-pragma', 'journal_mode=wal'],
    ...['--search-attribute', 'FrameloomTenant=Keyword'],
    ...['--search-attribute', 'FrameloomPriority=Int'],
    ...FAIR_QUEUE_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...['--log-format', 'json'],
  ];
}

/** Waits until the namespace has our search attributes, which the server adds last, and sets the retention. */
async function untilServing(httpPort: number, namespace: string, died: AbortSignal): Promise<void> {
  const address = `http://127.0.0.1:${httpPort}/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const signal = AbortSignal.any([died, AbortSignal.timeout(START_MS)]);
  for (;;) {
    signal.throwIfAborted();
    try {
      const answer = await fetch(address, { signal });
      const text = answer.ok ? await answer.text() : '';
      if (SEARCH_ATTRIBUTES.every((name) => text.includes(name))) break;
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
 * The server does not notice when the supervisor is killed, so a shell waits for that: its standard input ends with the
 * supervisor, and it ends the server. Returns what dismisses the shell.
 */
function endWithSupervisor(server: ChildProcess): () => void {
  const script = 'read -r _; kill -TERM "$1"; sleep 5; kill -KILL "$1"';
  const guard = spawn('sh', ['-c', script, 'frameloom-guard', String(server.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {}); // no shell: the server then outlives a killed supervisor
  guard.unref();
  return () => guard.kill('SIGKILL');
}
