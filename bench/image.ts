/**
 * `npm run bench -- image`: time to compute `pixel_values` of a 1920×1080 JPEG, decoding included, compared with
 * Transformers.js and onnxruntime-genai. Processor time (user and system, all threads), each in a process of its
 * own; the processes take turns, so that a machine that slows down slows all of them.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { drawPhoto } from './image/photo.ts';
import { onnxruntimeGenai, type Rival, reason, transformersJs } from './image/rivals.ts';
import { median } from './median.ts';

const runFile = promisify(execFile);
const here = fileURLToPath(new URL('./image', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

const TURNS = 3;
/** Rounds per process, of which the first ones, with cold code and caches, do not count. */
const ROUNDS = 25;
const WARM_UP = 10;

/** What a process prints: milliseconds per round. */
interface Measured {
  readonly total: readonly number[];
  readonly stages?: Readonly<Record<string, readonly number[]>>;
}

/** A number of crops, the rival that also computes them, and the largest allowed ratio to its time. */
interface Comparison {
  readonly crops: number;
  readonly target: number;
  readonly rival: Rival;
  readonly command: readonly [program: string, ...args: string[]];
}

interface Row {
  readonly crops: number;
  readonly milliseconds: number;
  readonly stages: Readonly<Record<string, number>>;
  readonly rival: string;
  readonly target: number;
  readonly rivalMilliseconds?: number;
  readonly ratio?: number;
  /** Why the rival did not run. */
  readonly missing?: string;
}

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-bench-'));
  try {
    const jpeg = join(folder, 'photo.jpg');
    await writeFile(jpeg, await drawPhoto());
    const comparisons: readonly Comparison[] = [
      {
        crops: 4,
        target: 0.35,
        rival: await transformersJs(),
        command: [process.execPath, join(here, 'transformers-js.mjs'), jpeg, '4'],
      },
      {
        crops: 16,
        target: 0.9,
        rival: await onnxruntimeGenai(),
        command: ['python3', join(here, 'genai.py'), jpeg, join(root, 'models', 'tiny-phi3v')],
      },
    ];
    const rows: Row[] = [];
    for (const comparison of comparisons) rows.push(await compare(comparison, jpeg));
    print(rows);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare({ crops, target, rival, command }: Comparison, jpeg: string): Promise<Row> {
  const ours: Measured[] = [];
  const theirs: Measured[] = [];
  let missing = rival.missing;
  for (let turn = 0; turn < TURNS; turn++) {
    ours.push(
      await measure([process.execPath, '--import', 'tsx', join(here, 'ours.ts'), jpeg, String(crops)]),
    );
    if (missing !== undefined || rival.folder === undefined) continue;
    try {
      theirs.push(await measure(command, { RIVAL: rival.folder }));
    } catch (error) {
      missing = reason(error);
    }
  }
  const milliseconds = median(ours.flatMap(({ total }) => counted(total)));
  const stages = Object.fromEntries(
    Object.keys(ours[0]?.stages ?? {}).map((stage) => [
      stage,
      median(ours.flatMap((one) => counted(one.stages?.[stage] ?? []))),
    ]),
  );
  const row = { crops, milliseconds, stages, rival: rival.name, target };
  if (missing !== undefined) return { ...row, missing };
  const rivalMilliseconds = median(theirs.flatMap(({ total }) => counted(total)));
  return { ...row, rivalMilliseconds, ratio: milliseconds / rivalMilliseconds };
}

async function measure(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const { stdout } = await runFile(program, [...args, String(ROUNDS)], {
    cwd: root,
    env: { ...process.env, ...env },
    timeout: 120_000,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Measured; // the programs are ours
}

function counted(rounds: readonly number[]): readonly number[] {
  return rounds.slice(WARM_UP);
}

function print(rows: readonly Row[]): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  console.log(`1920×1080 JPEG → pixel_values, ms of processor time, median of ${TURNS * (ROUNDS - WARM_UP)}`);
  console.log(`machine: ${machine}\n`);
  console.log('| crops | Frameloom | of which | rival | its time | ratio | target |');
  console.log('|---|---|---|---|---|---|---|');
  for (const { crops, milliseconds, stages, rival, rivalMilliseconds, ratio, target, missing } of rows) {
    const parts = Object.entries(stages).map(([stage, time]) => `${stage} ${time.toFixed(1)}`);
    const theirs = missing === undefined ? rivalMilliseconds?.toFixed(1) : `not run: ${missing}`;
    console.log(
      `| ${crops} | ${milliseconds.toFixed(1)} | ${parts.join(', ')} | ${rival} | ${theirs} | ${ratio?.toFixed(2) ?? ''} | ≤ ${target} |`,
    );
  }
  console.log(`\n${JSON.stringify({ bench: 'image', machine, rows }, undefined, 2)}`);
}
