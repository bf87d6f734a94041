import { defineConfig } from 'vitest/config';

/** Tests that run the whole system, or load machines in other ways: one file at a time, after all others. */
const HEAVY = ['test/e2e/**/*.test.ts', 'test/cli/start-frameloom.test.ts', 'test/cli/system.test.ts'];

const common = {
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  restoreMocks: true,
  // A busy machine is no failure.
  expect: { poll: { timeout: 15_000 } },
} as const;

export default defineConfig({
  test: {
    reporters: ['default', './scripts/skipped-reporter.ts', ...jsonReport()],
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'rooms',
          include: ['test/**/*.test.ts'],
          exclude: HEAVY,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'system',
          include: HEAVY,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

/** Where .ci/run reads the counts; without that variable there is no report. */
function jsonReport(): ['json', { outputFile: string }][] {
  const outputFile = process.env.VITEST_JSON_FILE;
  return outputFile === undefined ? [] : [['json', { outputFile }]];
}
