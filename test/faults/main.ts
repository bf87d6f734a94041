/**
 * `npm run test:faults [-- NAME…] [--seed N] [--write]`: runs fault-injection tests and prints what each lost. Exits with 1
 * if anything was lost. `--write` writes the rows into the table of docs/durability.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../cli/package-root.ts';
import { FAULT_TESTS } from './all.ts';
import { type FaultTest, type Outcome, openFixture } from './support/fault-test.ts';

const TABLE_START = '<!-- fault tests: written by `npm run test:faults -- --write` -->';
const TABLE_END = '<!-- /fault tests -->';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !FAULT_TESTS.some((test) => test.name === name));
if (unknown.length > 0) {
  console.error(
    `unknown test: ${unknown.join(', ')}\nfault tests: ${FAULT_TESTS.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
console.log(`seed ${seed}; to repeat the same faults: npm run test:faults -- --seed ${seed}`);
await using fixture = await openFixture(seed);
let hasPassed = true;
for (const test of FAULT_TESTS) {
  if (positionals.length > 0 && !positionals.includes(test.name)) continue;
  const outcome = await test.run(fixture).catch(
    (error: unknown): Outcome => ({
      injected: test.rule,
      problems: [`the test itself failed: ${error instanceof Error ? error.message : String(error)}`],
      redone: '',
    }),
  );
  hasPassed &&= outcome.problems.length === 0;
  console.log(formatLine(test, outcome));
  // After each test, so an interrupted run keeps its finished rows.
  if (values.write) await writeRow(test, outcome);
}
if (!hasPassed) process.exitCode = 1;

function formatLine({ name }: FaultTest, outcome: Outcome): string {
  return [name, outcome.injected, formatProblems(outcome), outcome.redone].join(' | ');
}

function formatProblems({ problems, skipped }: Outcome): string {
  if (skipped !== undefined) return `not run: ${skipped}`;
  return problems.length === 0 ? 'nothing' : `LOST: ${problems.join('; ')}`;
}

/** Replaces the row of one test in the document. */
async function writeRow({ name: testName }: FaultTest, outcome: Outcome): Promise<void> {
  const path = join(packageRoot(), 'docs', 'durability.md');
  const text = await readFile(path, 'utf8');
  const [before = '', rest = ''] = text.split(TABLE_START);
  const [table = '', after = ''] = rest.split(TABLE_END);
  const rows = new Map(table.split('\n').flatMap((row) => parseRow(row)));
  rows.set(
    testName,
    `| ${[`\`${testName}\``, outcome.injected, formatProblems(outcome), outcome.redone].join(' | ')} |`,
  );
  const ordered = FAULT_TESTS.flatMap(({ name }) => rows.get(name) ?? []);
  const head = ['| test | injected | lost | redone |', '|---|---|---|---|'];
  await writeFile(
    path,
    [before, TABLE_START, '\n', [...head, ...ordered].join('\n'), '\n', TABLE_END, after].join(''),
  );
}

function parseRow(row: string): readonly (readonly [string, string])[] {
  const name = /^\| `([a-z-]+)` \|/.exec(row)?.[1];
  return name === undefined ? [] : [[name, row]];
}
