import { defineConfig } from 'vitest/config';

/** Tests that run the whole system or load the machine in other ways: one file at a time, after all others. */
const HEAVY = ['test/e2e/**/*.test.ts', 'test/cli/system.test.ts', 'test/package/packed-package.test.ts'];

const common = {
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  restoreMocks: true,
  // A slow machine is not a failure.
  expect: { poll: { timeout: 15_000 } },
} as const;

export default defineConfig({
  test: {
    reporters: ['default', './scripts/lib/skipped-reporter.ts', ...jsonReport()],
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'modules',
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

/** The report that .ci/run counts tests in; none without VITEST_JSON_FILE. */
function jsonReport(): ['json', { outputFile: string }][] {
  const outputFile = process.env.VITEST_JSON_FILE;
  return outputFile === undefined ? [] : [['json', { outputFile }]];
}
