/** `npm run bench -- NAME`: runs one benchmark. Each is a file beside this one that exports `run`. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Benchmark {
  /** Prints what it measured. `args` follow the name on the command line. */
  run(args: readonly string[]): Promise<void>;
}

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME\nbenchmarks: ${names.join(', ') || 'none'}`);
  process.exitCode = 2;
} else {
  const benchmark = (await import(new URL(`${name}.ts`, import.meta.url).href)) as Benchmark; // as the rule above says
  await benchmark.run(args);
}
