/**
 * `npm run drills [-- NAME…] [--seed N] [--write]`: breaks a running system in one way after another and says what was lost, which
 * must be nothing. `--write` puts the table into docs/durability.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../cli/package-root.ts';
import { DRILLS } from './all.ts';
import { type Drill, type Outcome, openGround } from './support/drill.ts';

const FIRST = '<!-- drills: written by `npm run drills -- --write` -->';
const LAST = '<!-- /drills -->';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !DRILLS.some((drill) => drill.name === name));
if (unknown.length > 0) {
  console.error(`no such drill: ${unknown.join(', ')}\ndrills: ${DRILLS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
console.log(`seed ${seed}; the same kills again with: npm run drills -- --seed ${seed}`);
await using ground = await openGround(seed);
let lossless = true;
for (const drill of DRILLS) {
  if (positionals.length > 0 && !positionals.includes(drill.name)) continue;
  const outcome = await drill.run(ground).catch(
    (error: unknown): Outcome => ({
      injected: drill.rule,
      lost: [`the drill itself failed: ${error instanceof Error ? error.message : String(error)}`],
      redone: '',
    }),
  );
  lossless &&= outcome.lost.length === 0;
  console.log(line(drill, outcome));
  // One by one: a run that is ended early has written what it held.
  if (values.write) await writeRow(drill, outcome);
}
if (!lossless) process.exitCode = 1;

function line({ name }: Drill, outcome: Outcome): string {
  return [name, outcome.injected, lostText(outcome), outcome.redone].join(' | ');
}

function lostText({ lost, skipped }: Outcome): string {
  if (skipped !== undefined) return `not held: ${skipped}`;
  return lost.length === 0 ? 'nothing' : `LOST: ${lost.join('; ')}`;
}

/** Replaces the row of this drill in the document; others stay as they are. */
async function writeRow(held: Drill, outcome: Outcome): Promise<void> {
  const path = join(packageRoot(), 'docs', 'durability.md');
  const text = await readFile(path, 'utf8');
  const [before = '', rest = ''] = text.split(FIRST);
  const [table = '', after = ''] = rest.split(LAST);
  const rows = new Map(table.split('\n').flatMap((row) => rowOf(row)));
  rows.set(
    held.name,
    `| ${[`\`${held.name}\``, outcome.injected, lostText(outcome), outcome.redone].join(' | ')} |`,
  );
  const ordered = DRILLS.flatMap(({ name }) => rows.get(name) ?? []);
  const head = ['| drill | injected | lost | redone |', '|---|---|---|---|'];
  await writeFile(path, [before, FIRST, '\n', [...head, ...ordered].join('\n'), '\n', LAST, after].join(''));
}

function rowOf(row: string): readonly (readonly [string, string])[] {
  const name = /^\| `([a-z-]+)` \|/.exec(row)?.[1];
  return name === undefined ? [] : [[name, row]];
}
