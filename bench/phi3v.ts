import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { hdTransform, type ModelHost, type RgbImage, startModelHost } from '../phi3v/index.ts';

const TINY = fileURLToPath(new URL('../models/tiny-phi3v', import.meta.url));
const ROUNDS = 7;

/**
 * `npm run bench -- phi3v [MODEL_FOLDER]`: what the runtime costs on this machine, in milliseconds per picture
 * and tokens per second, and how long the event loop of the process that owns the model host is held up while
 * the host generates.
 */
export async function run([folder = TINY]: readonly string[]): Promise<void> {
  const processors = cpus();
  print(
    'machine',
    `${processors[0]?.model ?? 'unknown'}, ${processors.length} cores, node ${process.version}`,
  );
  const image = noise(1920, 1080);

  const begun = performance.now();
  await using host = await startModelHost({ folder });
  print('start of the model host', ms(performance.now() - begun));
  print('runtime', host.info.runtime);
  const padded = hdTransform(image, host.info.numCrops);
  print(`image features, ${host.info.numCrops} crops`, ms(await median(() => host.encodeImage(padded))));
  await benchGeneration(host, 16, 'short prompt');
  await benchGeneration(host, 300, 'long prompt');
}

async function benchGeneration(host: ModelHost, lines: number, name: string): Promise<void> {
  const caption = '. A red circle on the left, on a blue background.';
  const text = Array.from({ length: lines }, (_, i) => `${i + 1}${caption}`).join('\n');
  const generate = (maxTokens: number, onTokens?: (tokens: readonly number[]) => void) =>
    host.generate(
      { prompt: [{ text }], features: [], maxTokens },
      onTokens === undefined ? {} : { onTokens },
    );
  const { promptTokens } = await generate(1);
  const prefill = await median(() => generate(1), 3);
  print(`prefill, ${name} of ${promptTokens} tokens`, `${rate(promptTokens, prefill)} tokens/s`);

  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let first: { readonly at: number; readonly tokens: number } | undefined;
  const { tokens } = await generate(200, (fresh) => {
    first ??= { at: performance.now(), tokens: fresh.length };
  });
  const ended = performance.now();
  delay.disable();
  const decoded = tokens.length - (first?.tokens ?? 0);
  print(`decode, ${name}, ${decoded} tokens`, `${rate(decoded, ended - (first?.at ?? ended))} tokens/s`);
  print(
    `event loop delay of the parent, ${name}`,
    `p99 ${ms(delay.percentile(99) / 1e6)}, max ${ms(delay.max / 1e6)}`,
  );
}

/** Median milliseconds of `rounds` runs after one that does not count. */
async function median(task: () => unknown, rounds = ROUNDS): Promise<number> {
  await task();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    await task();
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[rounds >> 1] ?? Number.NaN;
}

function noise(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 2_654_435_761) >>> 24);
  return { data, width, height };
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const rate = (tokens: number, milliseconds: number): string => ((tokens * 1000) / milliseconds).toFixed(0);

function print(name: string, value: string): void {
  console.log(`${name.padEnd(50)} ${value}`);
}
