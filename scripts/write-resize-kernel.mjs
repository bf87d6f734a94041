/**
 * Compiles phi3v/image/resize-kernel.wat into phi3v/image/resize-kernel.ts: the package then needs neither a compiler nor a
 * separate file. Run it after a change of the .wat. The compiler, the npm package `wabt`, is not a dependency; npx fetches it.
 *
 *     npx --yes --package wabt@1.0.39 node scripts/write-resize-kernel.mjs
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kernelFolder = fileURLToPath(new URL('../phi3v/image/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'frameloom-kernel-'));
try {
  const compiled = join(folder, 'kernel.wasm');
  execFileSync('wat2wasm', [join(kernelFolder, 'resize-kernel.wat'), '-o', compiled], { stdio: 'inherit' });
  const lines =
    readFileSync(compiled)
      .toString('base64')
      .match(/.{1,96}/g) ?? [];
  const path = join(kernelFolder, 'resize-kernel.ts');
  const text = `\n  ${lines.map((line) => `'${line}'`).join(' +\n  ')};`;
  writeFileSync(path, readFileSync(path, 'utf8').replace(/(?<=const COMPILED =)[^;]*;/, text));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
