/**
 * `npm run bench -- edge [TIMES]`: the cold start of the edge in workerd, with no other server there. An empty Worker shows the
 * share of workerd.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findFreePorts } from '../cli/embedded/ports.ts';
import { bundleEdge, compatibilityDate } from '../test/edge/worker.ts';

const TIMES = 10;
const EMPTY = 'export default { fetch() { return new Response("") } };';
/** Rejected by the app itself, without a call to another server. */
const PATH = '/v1/summaries';

const VARS = {
  FRAMELOOM_API_KEYS: `nobody:${'0'.repeat(64)}`,
  FRAMELOOM_STORE: 's3://bucket/prefix',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  TEMPORAL_HTTP_URL: 'http://127.0.0.1:1',
};

/** Milliseconds. */
interface Start {
  /** From the start of the process to the whole first response. */
  readonly answer: number;
  /** CPU of all threads of workerd from its start until it listens. */
  readonly start: number;
  /** The same for the first request, and for the second one. */
  readonly first: number;
  readonly second: number;
}

export async function run([times = String(TIMES)]: readonly string[]): Promise<void> {
  const { code } = await bundleEdge();
  console.log(`machine: ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
  console.log(`bundle: ${code.length} bytes, ${gzipSync(code).length} gzipped`);
  console.log(
    'median in ms | start to first response | CPU until listening | CPU of 1st request | CPU of 2nd request',
  );
  for (const [name, script] of [
    ['an empty Worker', EMPTY],
    ['the edge', code],
  ] as const) {
    const starts: Start[] = [];
    for (let count = 0; count < Number(times); count += 1) starts.push(await measure(script));
    const columns = (['answer', 'start', 'first', 'second'] as const).map((key) =>
      median(starts.map((start) => start[key])).toFixed(1),
    );
    console.log([name, ...columns].join(' | '));
  }
}

async function measure(script: string): Promise<Start> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-edge-'));
  const [port = 0] = await findFreePorts(1);
  await writeFile(join(folder, 'worker.js'), script);
  await writeFile(join(folder, 'config.capnp'), await configOf(port));
  const began = performance.now();
  const child = spawn(workerdPath(), ['serve', join(folder, 'config.capnp')], { stdio: 'ignore' });
  try {
    const probe = await untilListening(port, child);
    const start = await cpuOf(child);
    // The first connection is made before, so that only the request is timed.
    const status = await ask(port);
    const answer = performance.now() - began - probe;
    const first = await cpuOf(child);
    await ask(port);
    const second = await cpuOf(child);
    if (script !== EMPTY && status !== 401) throw new Error(`the edge returned ${status}`);
    return { answer, start, first: first - start, second: second - first };
  } finally {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGTERM')) await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

async function configOf(port: number): Promise<string> {
  const bindings = Object.entries(VARS).map(([name, text]) => `(name = "${name}", text = "${text}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker.js", esModule = embed "worker.js")],
    compatibilityDate = "${await compatibilityDate()}",
    bindings = [${bindings.join(', ')}],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
}

/** The program that miniflare brings. */
function workerdPath(): string {
  const load = createRequire(createRequire(import.meta.url).resolve('miniflare'));
  const { default: path } = load('workerd') as { readonly default: string }; // as its types say
  return path;
}

async function ask(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${PATH}`);
  await response.arrayBuffer();
  return response.status;
}

/** Resolves when the port takes connections, with the time that reading CPU figures will take off the clock. */
async function untilListening(port: number, child: ChildProcess): Promise<number> {
  const { connect } = await import('node:net');
  for (;;) {
    if (child.exitCode !== null) throw new Error('workerd ended at its start');
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const before = performance.now();
  await cpuOf(child);
  return performance.now() - before;
}

/** CPU time of all threads of a process so far, in milliseconds. Linux only. */
async function cpuOf({ pid }: ChildProcess): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')),
  );
  return times.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (
    ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.floor(sorted.length / 2)] ?? 0)) / 2
  );
}
