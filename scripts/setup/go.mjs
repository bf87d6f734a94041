/** Programs that set-up builds with Go, where Go is there. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, runLong, say } from './commands.mjs';

/** Runs `make(folder)` in a fresh folder beside its destination and moves the program it left there into place. */
export async function atomically({ cache, cached }, make) {
  mkdirSync(join(cache, 'bin'), { recursive: true });
  const folder = mkdtempSync(join(cache, 'making-'));
  try {
    const program = await make(folder);
    if (program === undefined) return false;
    chmodSync(program, 0o755);
    renameSync(program, cached);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function findGo(env) {
  return onPath(['go'], env) ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined);
}

/** Builds `program` of `module` into `cached`. Answers whether it is there now; without Go it is not. */
export async function buildWithGo({ env, cache, cached }, { label, module, program, announcement }) {
  const go = findGo(env);
  if (go === undefined) return false;
  say(`${label}: ${announcement}`);
  return atomically({ cache, cached }, async (folder) => {
    const { ok, seconds, output } = await runLong(label, go, ['install', module], {
      env: { ...env, GOBIN: folder },
    });
    if (!ok) say(`${label}: the build failed.\n${output}`);
    else say(`${label}: built in ${seconds} s`);
    return ok ? join(folder, program) : undefined;
  });
}
