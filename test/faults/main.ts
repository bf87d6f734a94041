/**
 * `npm run test:faults [-- NAME…] [--seed N] [--write]`: breaks a running system in one way after another and says what was lost, which
 * must be nothing. `--write` puts the table into docs/durability.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../cli/package-root.ts';
import { FAULT_TESTS } from './all.ts';
import { type FaultTest, type Outcome, openFixture } from './support/fault-test.ts';

const FIRST = '<!-- fault tests: written by `npm run test:faults -- --write` -->';
const LAST = '<!-- /fault tests -->';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !FAULT_TESTS.some((test) => test.name === name));
if (unknown.length > 0) {
  console.error(
    `no such test: ${unknown.join(', ')}\nfault tests: ${FAULT_TESTS.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
console.log(`seed ${seed}; the same kills again with: npm run test:faults -- --seed ${seed}`);
await using fixture = await openFixture(seed);
let lossless = true;
for (const test of FAULT_TESTS) {
  if (positionals.length > 0 && !positionals.includes(test.name)) continue;
  const outcome = await test.run(fixture).catch(
    (error: unknown): Outcome => ({
      injected: test.rule,
      lost: [`the test itself failed: ${error instanceof Error ? error.message : String(error)}`],
      redone: '',
    }),
  );
  lossless &&= outcome.lost.length === 0;
  console.log(line(test, outcome));
  // One by one: a run that is ended early has written what it held.
  if (values.write) await writeRow(test, outcome);
}
if (!lossless) process.exitCode = 1;

function line({ name }: FaultTest, outcome: Outcome): string {
  return [name, outcome.injected, lostText(outcome), outcome.redone].join(' | ');
}

function lostText({ lost, skipped }: Outcome): string {
  if (skipped !== undefined) return `not held: ${skipped}`;
  return lost.length === 0 ? 'nothing' : `LOST: ${lost.join('; ')}`;
}

/** Replaces the row of this test in the document; others stay as they are. */
async function writeRow(held: FaultTest, outcome: Outcome): Promise<void> {
  const path = join(packageRoot(), 'docs', 'durability.md');
  const text = await readFile(path, 'utf8');
  const [before = '', rest = ''] = text.split(FIRST);
  const [table = '', after = ''] = rest.split(LAST);
  const rows = new Map(table.split('\n').flatMap((row) => rowOf(row)));
  rows.set(
    held.name,
    `| ${[`\`${held.name}\``, outcome.injected, lostText(outcome), outcome.redone].join(' | ')} |`,
  );
  const ordered = FAULT_TESTS.flatMap(({ name }) => rows.get(name) ?? []);
  const head = ['| test | injected | lost | redone |', '|---|---|---|---|'];
  await writeFile(path, [before, FIRST, '\n', [...head, ...ordered].join('\n'), '\n', LAST, after].join(''));
}

function rowOf(row: string): readonly (readonly [string, string])[] {
  const name = /^\| `([a-z-]+)` \|/.exec(row)?.[1];
  return name === undefined ? [] : [[name, row]];
}
