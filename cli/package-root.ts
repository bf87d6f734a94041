/** The folder of the package, and how its own processes are started: from source through tsx, or compiled. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const isSource = import.meta.url.endsWith('.ts');

/** Path of the package's folder. The compiled command is one folder deeper, in dist/. */
export function packageRoot(): string {
  return fileURLToPath(new URL(isSource ? '..' : '../..', import.meta.url));
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string; // our own package.json
  };
  return version;
}

/** Arguments for Node that run the `frameloom` command. Arguments of the command follow them. */
export function commandEntry(): readonly string[] {
  return isSource
    ? ['--import', import.meta.resolve('tsx'), join(packageRoot(), 'cli', 'main.ts')]
    : [join(packageRoot(), 'dist', 'cli', 'main.js')];
}
