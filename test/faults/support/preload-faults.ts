/** Faults inside a process: small modules that Node imports before the program. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Returns settings with which processes and their children import `source` first. */
async function preload(
  folder: string,
  name: string,
  source: string,
): Promise<Readonly<Record<string, string>>> {
  const path = join(folder, `${name}.mjs`);
  await writeFile(path, source);
  return { NODE_OPTIONS: `--import ${pathToFileURL(path).href}` };
}

/** Returns settings that shift the wall clock of a process by `minutes`. */
export function skewClock(folder: string, minutes: number): Promise<Readonly<Record<string, string>>> {
  return preload(
    folder,
    `clock${minutes}`,
    `const by = ${minutes * 60_000};
const { now } = Date;
Date.now = () => now() + by;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [Date.now()] : args, made),
  apply: (target) => String(new target(now() + by)),
});
`,
  );
}

/** Returns settings that kill the model host, or its worker, when the model reads the artifact `image`. */
export function killOnRead(
  folder: string,
  image: string,
  victim: 'model host' | 'GPU worker',
): Promise<Readonly<Record<string, string>>> {
  const pid = victim === 'model host' ? 'process.pid' : 'process.ppid';
  return preload(
    folder,
    `killed-${victim.replace(' ', '-')}`,
    `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
if (process.argv[1]?.includes('host-child')) {
  const { readFile } = fs.promises;
  fs.promises.readFile = (path, ...rest) => {
    if (String(path).includes(${JSON.stringify(image)})) process.kill(${pid}, 'SIGKILL');
    return readFile(path, ...rest);
  };
  syncBuiltinESMExports();
}
`,
  );
}
