#!/usr/bin/env node
/** The `frameloom` command: the compiled program if there is one, else the source. */
import { existsSync } from 'node:fs';

const compiled = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(compiled)) {
  await import(compiled.href);
} else {
  const { register } = await import('tsx/esm/api');
  register();
  // Child processes need the loader too.
  process.execArgv.push('--import', import.meta.resolve('tsx'));
  await import(new URL('../cli/main.ts', import.meta.url).href);
}
