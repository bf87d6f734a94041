/**
 * `npm run bench -- runtime`: the model runtime compared with other runtimes of the same graph, on a slice of the text graph at
 * full width with random int4 weights. Every runtime has a process of its own; they take turns, so that a machine that slows
 * down slows all of them. Prints a table in Markdown, then all of it as JSON.
 */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startModelHost } from '../phi3v/index.ts';
import { pythonWith } from '../scripts/lib/python-env.ts';
import { type RivalReport, runRival } from './rivals/run.ts';
import { sliceFolder } from './runtime/slice-folder.ts';

const execute = promisify(execFile);
const TINY = fileURLToPath(new URL('../models/tiny-phi3v', import.meta.url));
const TURNS = 2;

interface Times {
  readonly prefill_s: number;
  readonly step_ms: number;
}

interface Ours extends Times {
  readonly runtime: string;
  readonly one_row_ms: number;
  readonly eight_rows_ms: number;
  readonly kv_bytes: number;
  readonly weight_bytes: number;
  readonly rss_bytes: number;
}

interface Metric {
  readonly metric: string;
  readonly target: string;
  readonly measured: string;
}

export async function run(): Promise<void> {
  const maker = await pythonWith('graphs');
  if (maker.python === undefined) {
    console.log(`The slice is made by Python, which is not available: ${maker.reason}`);
    return;
  }
  const slice = await sliceFolder(maker.python);
  const ours: Ours[] = [];
  const plain: Times[] = [];
  const floor: RivalReport[] = [];
  const genai: RivalReport[] = [];
  const missing: string[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    ours.push(await program<Ours>('ours', slice));
    plain.push(await program<Times>('plain', slice));
    for (const [name, reports] of [
      ['floor', floor],
      ['genai', genai],
    ] as const) {
      const { report, reason } = await runRival(name);
      if (report !== undefined) reports.push(report);
      else if (turn === 0) missing.push(`${name}: ${reason}`);
    }
  }
  const delay = await eventLoopDelay();
  const metrics = compare(ours, plain, floor.map(better), genai.map(better), delay);
  print(metrics, missing, { ours, plain, floor, genai, event_loop_p99_ms: delay });
}

/** One of our own programs, in a process of its own. */
async function program<T>(name: string, slice: string): Promise<T> {
  const path = fileURLToPath(new URL(`runtime/${name}.ts`, import.meta.url));
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', path, slice]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T; // as the program describes itself
}

/** A rival may use the core that we leave to ffmpeg: its better way of waiting counts. */
function better({ spinning, not_spinning }: RivalReport): Times {
  return {
    prefill_s: Math.min(spinning.prefill_s, not_spinning.prefill_s),
    step_ms: Math.min(spinning.step_ms, not_spinning.step_ms),
  };
}

/** p99 in milliseconds of the event loop of a process that owns a model host, while that generates. */
async function eventLoopDelay(): Promise<number> {
  await using host = await startModelHost({ folder: TINY });
  const lines = Array.from(
    { length: 16 },
    (_, i) => `${i + 1}. A red circle on the left, on a blue background.`,
  );
  const request = { prompt: [{ text: lines.join('\n') }], images: [], maxTokens: 200 };
  await host.generate(request);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 8 }, () => host.generate(request)));
  }
  delay.disable();
  return delay.percentile(99) / 1e6;
}

function compare(
  ours: readonly Ours[],
  plain: readonly Times[],
  floor: readonly Times[],
  genai: readonly Times[],
  delay: number,
): readonly Metric[] {
  const ratio = (
    metric: string,
    target: string,
    above: readonly number[],
    below: readonly number[],
  ): Metric => {
    const measured = below.length === 0 ? 'not run' : (least(above) / least(below)).toFixed(2);
    return { metric, target, measured };
  };
  const step = ours.map(({ step_ms }) => step_ms);
  const prefill = ours.map(({ prefill_s }) => prefill_s);
  const beside = least(ours.map((each) => each.rss_bytes - each.weight_bytes - each.kv_bytes));
  const allowed = (ours[0]?.kv_bytes ?? 0) * 0.15 + 300 * 2 ** 20;
  return [
    ratio(
      'decode step at 3,000 tokens ÷ plain onnxruntime-node, growing KV',
      '≤ 0.13',
      step,
      plain.map((each) => each.step_ms),
    ),
    ratio(
      'the same ÷ onnxruntime-genai',
      '≤ 0.85',
      step,
      genai.map((each) => each.step_ms),
    ),
    ratio(
      'the same ÷ C++ I/O binding from Python (the floor)',
      '≤ 1.3',
      step,
      floor.map((each) => each.step_ms),
    ),
    {
      metric: 'tokens/s of 8 rows ÷ 1 row',
      target: '≥ 3.5',
      measured: (
        (8 * least(ours.map((each) => each.one_row_ms))) /
        least(ours.map((each) => each.eight_rows_ms))
      ).toFixed(2),
    },
    ratio(
      "prefill of 3,000 tokens ÷ the floor's single call",
      '≤ 1.1',
      prefill,
      floor.map((each) => each.prefill_s),
    ),
    ratio(
      'the same ÷ onnxruntime-genai',
      '',
      prefill,
      genai.map((each) => each.prefill_s),
    ),
    {
      metric: 'event-loop delay of the worker during 8 generations, p99',
      target: '≤ 20 ms',
      measured: `${delay.toFixed(1)} ms`,
    },
    {
      metric: 'memory above weights and KV',
      target: `≤ ${mebibytes(allowed)}`,
      measured: mebibytes(beside),
    },
  ];
}

/** The best of the turns: what is above it is the machine doing something else. */
const least = (values: readonly number[]): number => Math.min(...values);
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function print(metrics: readonly Metric[], missing: readonly string[], raw: object): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  console.log(`machine: ${machine}; medians per turn, the best of ${TURNS} turns\n`);
  console.log('| metric | target | measured |\n|---|---|---|');
  for (const { metric, target, measured } of metrics) console.log(`| ${metric} | ${target} | ${measured} |`);
  for (const reason of missing) console.log(`\nnot run: ${reason}`);
  console.log(`\n${JSON.stringify({ machine, metrics, ...raw })}`);
}
