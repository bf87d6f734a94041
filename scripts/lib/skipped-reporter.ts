/** A reporter for vitest that lists skipped tests with their reasons at the end of a run. */
import type { Reporter, TestModule } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => {
        const result = test.result();
        const reason = result.state === 'skipped' ? result.note : undefined;
        return `  ${test.fullName}: ${reason ?? 'no reason given'}`;
      }),
    );
    if (lines.length > 0) console.log(['', 'Skipped:', ...lines].join('\n'));
  }
}
