/**
 * Prints `N passed, N failed` from vitest's JSON report. The exit code is 1 if a test failed, if a file could not be run, or
 * if no test ran: a crash is not a success.
 */
import { readFileSync } from 'node:fs';

const text = readFileSync(process.argv[2], 'utf8');
if (text === '') {
  console.error('The tests wrote no report: vitest crashed.');
  process.exit(1);
}
const report = JSON.parse(text);
// A file that cannot be loaded has no tests to fail; it counts as one failure.
const broken = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
);
for (const file of broken) console.error(`could not be run: ${file.name.split('/').slice(-3).join('/')}`);
const failed = report.numFailedTests + broken.length;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exit(failed > 0 || !report.success || report.numPassedTests === 0 ? 1 : 0);
