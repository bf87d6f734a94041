/** Parses alerts and dashboard with the grammar of PromQL. test/e2e/metrics.test.ts checks that their metrics exist. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../cli/package-root.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const read = (name: string): string =>
  readFileSync(join(packageRoot(), 'deploy', 'observability', name), 'utf8');
const { groups } = parse(read('alerts.yaml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const { panels } = JSON.parse(read('dashboard.json')) as {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
};
const rules = groups.flatMap((group) => group.rules);

/** The ranges of an expression that are not PromQL. */
function syntaxErrors(expression: string): string[] {
  const found: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) found.push(`${from}-${to}`);
    },
  });
  return found;
}

describe('Expressions', () => {
  it('of alerts are valid PromQL', () => {
    expect(rules.length).toBeGreaterThan(5);
    for (const { alert, expr } of rules) expect([alert, syntaxErrors(expr)]).toEqual([alert, []]);
  });

  it('of the dashboard are valid PromQL with the intervals of Grafana replaced', () => {
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(10);
    for (const expr of expressions)
      expect([expr, syntaxErrors(expr.replaceAll(/\$__\w+/g, '5m'))]).toEqual([expr, []]);
  });

  it.each(['sum by (queue (up)', 'rate(up[5m]) / ', 'up{job="a"'])(
    'with syntax errors are found: %s',
    (expr) => {
      expect(syntaxErrors(expr).length).toBeGreaterThan(0);
    },
  );
});

describe('Each alert', () => {
  it('has a unique name, a severity, a summary, a description, and only labels of its expression', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, expr, labels, annotations, ...rule } of rules) {
      expect([alert, /^(warning|critical)$/.test(labels.severity)]).toEqual([alert, true]);
      expect([alert, Object.keys(annotations).sort()]).toEqual([alert, ['description', 'summary']]);
      expect([alert, rule.for ?? '1m']).toEqual([alert, expect.stringMatching(/^\d+[smh]$/)]);
      const labelNames = [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ].map(([, name]) => name);
      for (const name of labelNames)
        expect([alert, expr]).toEqual([alert, expect.stringContaining(`by (${name})`)]);
    }
  });
});
