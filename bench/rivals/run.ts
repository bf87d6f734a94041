import { z } from 'zod';
import { type PackageList, pythonWith } from '../../scripts/lib/python-env.ts';
import { sliceFolder } from '../runtime/slice-folder.ts';

const Times = z.looseObject({
  /** One call for the whole prompt where the rival can, else its own way. */
  prefill_s: z.number(),
  /** Median of a decode step after the prompt. */
  step_ms: z.number(),
  step_ms_least: z.number(),
  /** Greedy answer to `promptIds(1, prompt_tokens)`, of `steps` tokens. */
  tokens: z.array(z.int()),
});

const RivalReport = z.object({
  rival: z.string(),
  versions: z.record(z.string(), z.string()),
  prompt_tokens: z.int(),
  steps: z.int(),
  threads: z.int(),
  /** Threads that wait actively for work: a little faster alone, and no core left for anyone else. */
  spinning: Times,
  not_spinning: Times,
});

/** What a rival measured of itself on the slice. */
export type RivalReport = z.infer<typeof RivalReport>;

export type RivalResult =
  | { readonly report: RivalReport; readonly reason?: never }
  | { readonly report?: never; readonly reason: string };

/** How each rival is run, by the name of its program in this folder. */
const RIVALS = {
  /** ONNX Runtime's C++ core with an I/O binding and all memory preallocated. */
  floor: { list: 'graphs', subfolder: '.' },
  /** onnxruntime-genai with its own decode loop. */
  genai: { list: 'genai', subfolder: 'genai' },
} as const satisfies Record<string, { list: PackageList; subfolder: string }>;

export type Rival = keyof typeof RIVALS;

export const RIVAL_NAMES = Object.keys(RIVALS) as readonly Rival[]; // the keys just written

/**
 * Runs one rival on the slice, or says why it cannot be run here.
 *
 * @param args as the rival's program takes them: `--prompt`, `--steps`, `--threads`; `--chunks` for the floor.
 */
export async function runRival(
  rival: Rival,
  { layers, args = [] }: { readonly layers?: number | undefined; readonly args?: readonly string[] } = {},
): Promise<RivalResult> {
  const { list, subfolder } = RIVALS[rival];
  const maker = await pythonWith('graphs');
  if (maker.python === undefined) return maker;
  const runner = await pythonWith(list);
  if (runner.python === undefined) return runner;
  const folder = await sliceFolder(maker.python, layers === undefined ? {} : { layers });
  const printed = await runner.python.run(`bench/rivals/${rival}.py`, [`${folder}/${subfolder}`, ...args]);
  return { report: RivalReport.parse(JSON.parse(printed.trim().split('\n').at(-1) ?? '')) };
}
