/** Builds programs with Go, if Go is installed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, report, runLong } from './commands.mjs';
import { installAtomically } from './install-atomically.mjs';

export function findGo(env) {
  return onPath(['go'], env) ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined);
}

/** Builds `program` of `module` into `cached`. Returns whether it succeeded; false without Go. */
export async function buildWithGo({ env, cache, cached }, { label, module, program, announcement }) {
  const go = findGo(env);
  if (go === undefined) return false;
  report(`${label}: ${announcement}`);
  return installAtomically({ cache, cached }, async (folder) => {
    const { ok, seconds, output } = await runLong(label, go, ['install', module], {
      env: { ...env, GOBIN: folder },
    });
    if (!ok) report(`${label}: the build failed.\n${output}`);
    else report(`${label}: built in ${seconds} s`);
    return ok ? join(folder, program) : undefined;
  });
}
