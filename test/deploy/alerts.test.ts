/** Alerts and dashboard in Prometheus' own grammar. That the figures they name are there: test/e2e/metrics.test.ts. */
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

/** What of an expression is not PromQL. */
function faults(expression: string): string[] {
  const found: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) found.push(`${from}-${to}`);
    },
  });
  return found;
}

describe('expressions', () => {
  it('of alerts are PromQL', () => {
    expect(rules.length).toBeGreaterThan(5);
    for (const { alert, expr } of rules) expect([alert, faults(expr)]).toEqual([alert, []]);
  });

  it('of the dashboard are PromQL, once Grafana has put its intervals in', () => {
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(10);
    for (const expr of expressions)
      expect([expr, faults(expr.replaceAll(/\$__\w+/g, '5m'))]).toEqual([expr, []]);
  });

  it.each(['sum by (queue (up)', 'rate(up[5m]) / ', 'up{job="a"'])('that are broken are seen: %s', (expr) => {
    expect(faults(expr).length).toBeGreaterThan(0);
  });
});

describe('each alert', () => {
  it('has a name of its own, a severity, what is wrong and what to do, and labels that its expression keeps', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, expr, labels, annotations, ...rule } of rules) {
      expect([alert, /^(warning|critical)$/.test(labels.severity)]).toEqual([alert, true]);
      expect([alert, Object.keys(annotations).sort()]).toEqual([alert, ['description', 'summary']]);
      expect([alert, rule.for ?? '1m']).toEqual([alert, expect.stringMatching(/^\d+[smh]$/)]);
      const shown = [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ].map(([, name]) => name);
      for (const name of shown)
        expect([alert, expr]).toEqual([alert, expect.stringContaining(`by (${name})`)]);
    }
  });
});
