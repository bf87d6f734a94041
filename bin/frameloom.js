#!/usr/bin/env node
/** The command of the package: compiled where it was built, else from source. */
import { existsSync } from 'node:fs';

const compiled = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(compiled)) {
  await import(compiled.href);
} else {
  const { register } = await import('tsx/esm/api');
  register();
  // Processes that are forked from this one need the loader as well.
  process.execArgv.push('--import', import.meta.resolve('tsx'));
  await import(new URL('../cli/main.ts', import.meta.url).href);
}
