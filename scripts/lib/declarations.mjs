/**
 * Reduces the declarations that tsc wrote to those of the published entry points. tsc writes one `.d.ts` for every
 * source file and leaves `.ts` in their imports, which resolves only where the sources are.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Relative specifiers of `import … from`, `export … from` and `import(…)`. */
const RELATIVE = /(\bfrom\s+|\bimport\(\s*)(['"])(\.{1,2}\/[^'"]+)\.tsx?\2/g;

/**
 * Keeps the declarations in `folder` that `entries` (paths in it, ending in `.d.ts`) reach, with imports of `.js`, and
 * deletes the others.
 */
export function keepReachableDeclarations(folder, entries) {
  const reached = new Set();
  const pending = entries.map((entry) => join(folder, entry));
  while (pending.length > 0) {
    const path = pending.pop();
    if (reached.has(path)) continue;
    reached.add(path);
    const text = readFileSync(path, 'utf8').replace(RELATIVE, (_all, keyword, quote, specifier) => {
      pending.push(join(dirname(path), `${specifier}.d.ts`));
      return `${keyword}${quote}${specifier}.js${quote}`;
    });
    writeFileSync(path, text);
  }
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (name.endsWith('.d.ts') && !reached.has(path)) rmSync(path);
  }
}
