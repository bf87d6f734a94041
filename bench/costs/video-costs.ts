/**
 * What an hour of video costs, from times that other pages of docs/ measured or computed, and from prices. Prints the table of
 * docs/deploy.md; run `node --import tsx bench/costs/video-costs.ts [GPU_PRICE CPU_PRICE]` for other prices.
 */
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';

/** Dollars per hour of a node. */
export interface Prices {
  readonly gpu: number;
  readonly cpu: number;
}

/** List prices of AWS in us-east-1 without any discount, November 2026: g6.xlarge (one L4), c6i.large (two cores). Look yours up. */
export const EXAMPLE_PRICES: Prices = { gpu: 0.8048, cpu: 0.085 };

/** Videos of docs/media.md, "Measured": kept frames and seconds of a CPU worker on two cores, for an hour of each. Measured. */
const VIDEOS = [
  { name: 'lecture, slides change every two minutes', frames: 30, cpuSeconds: 103.0 },
  { name: 'motion without pause', frames: 261 * 6, cpuSeconds: 57.0 * 6 },
] as const;

/** Phi-3.5-vision of docs/durability.md, computed: seconds per segment of five images. Not measured. */
const MODELS = {
  gpu: { vision: 0.2, prefill: 0.7, token: (2.2 + 8 * 1.53) / 300 / 8 },
  cpu: { vision: 58, prefill: 187, token: 0.37 },
} as const;
const FRAMES_PER_SEGMENT = 5;
const CAPTION_TOKENS = 160;
const SUMMARY_TOKENS = 500;
/** Captions of 160 tokens that fit into a merge prompt of 3,900 tokens. */
const CAPTIONS_PER_MERGE = 21;
/** Share of the time in which nodes have work. */
const BUSY = 0.7;

/** Seconds of the model for the given number of frames. */
export function modelSeconds(frames: number, on: keyof typeof MODELS): number {
  const { vision, prefill, token } = MODELS[on];
  const segments = Math.ceil(frames / FRAMES_PER_SEGMENT);
  const sections = segments > CAPTIONS_PER_MERGE ? Math.ceil(segments / CAPTIONS_PER_MERGE) : 0;
  const captions = segments * (vision + prefill + CAPTION_TOKENS * token);
  return captions + (sections + 1) * (prefill + SUMMARY_TOKENS * token);
}

/** The table, in Markdown. */
export function costTable({ gpu, cpu }: Prices = EXAMPLE_PRICES): string {
  const dollars = (seconds: number, price: number): number => (seconds / 3600 / BUSY) * price;
  const text = (amount: number): string => (amount < 1 ? amount.toFixed(3) : amount.toFixed(2));
  return [
    `| an hour of | kept frames | CPU worker, 2 cores, ${cpu} $/h | model on an L4, ${gpu} $/h | together | model on 2 cores instead |`,
    '|---|---|---|---|---|---|',
    ...VIDEOS.map(({ name, frames, cpuSeconds }) => {
      const extraction = dollars(cpuSeconds, cpu);
      const [onGpu, onCpu] = [modelSeconds(frames, 'gpu'), modelSeconds(frames, 'cpu')];
      const costs = [
        `${Math.round(cpuSeconds)} s: ${text(extraction)} $`,
        `${Math.round(onGpu)} s: ${text(dollars(onGpu, gpu))} $`,
        `**${text(extraction + dollars(onGpu, gpu))} $**`,
        `${(onCpu / 3600).toFixed(1)} h: ${text(dollars(onCpu, cpu))} $`,
      ];
      return `| ${name} | ${frames} | ${costs.join(' | ')} |`;
    }),
  ].join('\n');
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const [gpu = EXAMPLE_PRICES.gpu, cpu = EXAMPLE_PRICES.cpu] = argv.slice(2).map(Number);
  console.log(costTable({ gpu, cpu }));
}
