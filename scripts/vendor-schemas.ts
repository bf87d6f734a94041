/**
 * Writes deploy/schemas/, against which tests validate the objects of the chart. The schemas come from the Go modules of
 * Kubernetes, KEDA and the Prometheus operator, all under the Apache License 2.0, with Go's own client. Run it by hand when
 * a version below changes. Only what the chart's kinds reach is kept, without descriptions, and closed: a misspelt field is
 * an error in tests, although an API server would drop it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../cli/package-root.ts';

type Schema = { [key: string]: unknown };

const KUBERNETES = {
  module: 'k8s.io/kubernetes',
  version: 'v1.34.2',
  kinds: [
    'apps/v1/Deployment',
    'autoscaling/v2/HorizontalPodAutoscaler',
    'core/v1/ConfigMap',
    'core/v1/PersistentVolumeClaim',
    'core/v1/Service',
    'core/v1/ServiceAccount',
    'networking/v1/Ingress',
    'networking/v1/NetworkPolicy',
    'policy/v1/PodDisruptionBudget',
  ],
};
const KEDA = {
  module: 'github.com/kedacore/keda/v2',
  version: 'v2.20.2',
  files: [
    'config/crd/bases/keda.sh_scaledobjects.yaml',
    'config/crd/bases/keda.sh_triggerauthentications.yaml',
  ],
  scalers: { temporal: 'pkg/scalers/temporal_scaler.go', prometheus: 'pkg/scalers/prometheus_scaler.go' },
};
const PROMETHEUS = {
  module: 'github.com/prometheus-operator/prometheus-operator',
  version: 'v0.85.0',
  files: ['example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml'],
};

/** The folder of a Go module, in Go's cache. */
function moduleFolder({ module, version }: { readonly module: string; readonly version: string }): string {
  const answer = execFileSync('go', ['mod', 'download', '-json', `${module}@${version}`], { cwd: tmpdir() });
  return (JSON.parse(answer.toString()) as { Dir: string }).Dir; // go's own format
}

/** A schema of Kubernetes as JSON Schema that JSON validators understand, and that allows no field it does not name. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as Schema; // an object of JSON
  if (schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string') {
    return { type: ['integer', 'string'] };
  }
  const kept: Schema = {};
  for (const [key, part] of Object.entries(schema)) {
    const isNote = typeof part === 'string' && (key === 'description' || key === 'format');
    if (isNote || key.startsWith('x-') || key === 'default') continue;
    kept[key] = key === 'properties' ? mapValues(part as Schema, closed) : closed(part);
  }
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (kept.properties !== undefined && kept.additionalProperties === undefined && !open) {
    kept.additionalProperties = false;
  }
  return kept;
}

function mapValues(object: Schema, change: (value: unknown) => unknown): Schema {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function kubernetesSchemas(): unknown {
  const path = join(moduleFolder(KUBERNETES), 'api/openapi-spec/swagger.json');
  const { definitions } = JSON.parse(readFileSync(path, 'utf8')) as { definitions: Record<string, Schema> }; // OpenAPI 2
  const reached: Record<string, unknown> = {};
  const reach = (name: string): void => {
    if (name in reached) return;
    const isQuantity = name === 'io.k8s.apimachinery.pkg.api.resource.Quantity';
    reached[name] = isQuantity ? { type: ['string', 'number'] } : closed(definitions[name]);
    for (const [, next = ''] of JSON.stringify(reached[name]).matchAll(/"#\/definitions\/([^"]+)"/g))
      reach(next);
  };
  const kinds: Record<string, string> = {};
  for (const kind of KUBERNETES.kinds) {
    const name = `io.k8s.api.${kind.replaceAll('/', '.')}`;
    reach(name);
    kinds[kind.replace(/^core\//, '')] = name;
  }
  // Of policy and autoscaling the group is the folder's name; of networking it has a domain.
  const renamed = Object.entries(kinds).map(([kind, name]) => [
    kind.replace(/^networking\//, 'networking.k8s.io/'),
    name,
  ]);
  return { ...origin(KUBERNETES), kinds: Object.fromEntries(renamed), definitions: reached };
}

interface CustomResource {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

function customSchemas(from: typeof KEDA | typeof PROMETHEUS): Schema {
  const folder = moduleFolder(from);
  const schemas: Schema = {};
  for (const file of from.files) {
    const { spec } = parse(readFileSync(join(folder, file), 'utf8')) as CustomResource; // a CRD
    const { group, names, versions } = spec;
    for (const { name, schema } of versions)
      schemas[`${group}/${name}/${names.kind}`] = closed(schema.openAPIV3Schema);
  }
  return { ...origin(from), schemas };
}

/** What the metadata of a trigger may hold: the CRD leaves it open, the scaler's own source does not. */
function triggerFields(folder: string, file: string): { name: string; required: boolean }[] {
  const source = readFileSync(join(folder, file), 'utf8');
  return [...source.matchAll(/keda:"name=(\w+),\s*order=(\S+?),?(?:\s([^"]*))?"/g)]
    .filter(([, , order = '']) => order.includes('triggerMetadata'))
    .map(([, name = '', , rest = '']) => ({ name, required: !/optional|default=/.test(rest) }));
}

function origin({ module, version }: { readonly module: string; readonly version: string }): Schema {
  return { module, version, licence: 'Apache-2.0', madeBy: 'scripts/vendor-schemas.ts' };
}

function write(name: string, content: unknown): void {
  writeFileSync(join(packageRoot(), 'deploy', 'schemas', name), `${JSON.stringify(content)}\n`);
}

write('kubernetes.json', kubernetesSchemas());
const keda = moduleFolder(KEDA);
write('keda.json', {
  ...customSchemas(KEDA),
  triggers: mapValues(KEDA.scalers, (file) => triggerFields(keda, String(file))),
});
write('prometheus-operator.json', customSchemas(PROMETHEUS));
