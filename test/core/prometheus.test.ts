import { describe, expect, it } from 'vitest';
import { createMetricRegistry } from '../../core/prometheus.ts';

describe('the metric registry', () => {
  it('renders counters and gauges in the order of registration', () => {
    const registry = createMetricRegistry();
    const requests = registry.counter('requests_total', 'HTTP requests.');
    const backlog = registry.gauge('backlog');
    requests.add(1, { method: 'GET', status: 200 });
    requests.add(2, { method: 'GET', status: 200 });
    requests.add(0.5);
    backlog.set(3);
    expect(registry.render()).toBe(
      [
        '# HELP requests_total HTTP requests.',
        '# TYPE requests_total counter',
        'requests_total{method="GET",status="200"} 3',
        'requests_total 0.5',
        '# TYPE backlog gauge',
        'backlog 3',
        '',
      ].join('\n'),
    );
  });

  it('escapes label values and help texts', () => {
    const registry = createMetricRegistry();
    registry.gauge('size', 'One\ntwo \\ three').set(1, { path: 'C:\\a "b"\nc' });
    expect(registry.render()).toBe(
      '# HELP size One\\ntwo \\\\ three\n# TYPE size gauge\nsize{path="C:\\\\a \\"b\\"\\nc"} 1\n',
    );
  });

  it('drops the series of a gauge that was cleared', () => {
    const registry = createMetricRegistry();
    const gauge = registry.gauge('backlog');
    gauge.set(1, { queue: 'gone' });
    gauge.clear();
    gauge.set(2, { queue: 'cpu' });
    expect(registry.render()).toBe('# TYPE backlog gauge\nbacklog{queue="cpu"} 2\n');
  });

  it('renders infinities as Prometheus reads them', () => {
    const registry = createMetricRegistry();
    const gauge = registry.gauge('limit');
    gauge.set(Number.POSITIVE_INFINITY, { side: 'most' });
    gauge.set(Number.NEGATIVE_INFINITY, { side: 'least' });
    expect(registry.render()).toContain('limit{side="most"} +Inf\nlimit{side="least"} -Inf\n');
  });

  it('rejects a name that is registered twice', () => {
    const registry = createMetricRegistry();
    registry.counter('requests_total', 'HTTP requests.');
    expect(() => registry.gauge('requests_total')).toThrow(TypeError);
  });
});
