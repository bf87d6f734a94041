/** Counters and gauges in the text format of Prometheus (version 0.0.4). Runs on every platform. */

export type Labels = Readonly<Record<string, string | number>>;

export interface Counter {
  /** Adds `amount`, which must not be negative. */
  add(amount: number, labels?: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** Removes all series, before those that exist now are set. */
  clear(): void;
}

export interface MetricRegistry {
  /** Registers a counter. Names end with `_total` by convention. A name is registered once. */
  counter(name: string, help: string): Counter;
  /** Without `help`, the text has no `HELP` line. */
  gauge(name: string, help?: string): Gauge;
  /** All metrics as text, in the order in which they were registered. */
  render(): string;
}

/** The content type of Prometheus text format 0.0.4. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface Family {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Values by rendered labels. */
  readonly series: Map<string, number>;
}

export function createMetricRegistry(): MetricRegistry {
  const families = new Map<string, Family>();

  function register(name: string, type: Family['type'], help: string): Family['series'] {
    if (families.has(name)) throw new TypeError(`The metric ${name} is already registered.`);
    const series = new Map<string, number>();
    families.set(name, { type, help, series });
    return series;
  }

  return {
    counter(name, help) {
      const series = register(name, 'counter', help);
      return {
        add(amount, labels) {
          const key = renderLabels(labels);
          series.set(key, (series.get(key) ?? 0) + amount);
        },
      };
    },

    gauge(name, help = '') {
      const series = register(name, 'gauge', help);
      return {
        set: (value, labels) => void series.set(renderLabels(labels), value),
        clear: () => series.clear(),
      };
    },

    render() {
      const lines = [...families].flatMap(([name, { type, help, series }]) => [
        ...(help === '' ? [] : [`# HELP ${name} ${escapeHelp(help)}`]),
        `# TYPE ${name} ${type}`,
        ...[...series].map(([labels, value]) => `${name}${labels} ${renderValue(value)}`),
      ]);
      return `${lines.join('\n')}\n`;
    },
  };
}

function renderLabels(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function renderValue(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}
