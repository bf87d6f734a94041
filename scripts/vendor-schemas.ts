/**
 * Writes deploy/schemas/, with which tests validate the rendered chart. The schemas come from the Go modules of Kubernetes,
 * KEDA and the Prometheus operator (Apache License 2.0), downloaded with Go. Run it when a version below changes. It keeps
 * only what the kinds of the chart reference, without descriptions, and disallows unknown fields: a misspelt field fails a
 * test, whereas an API server would drop it.
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

/** Downloads a Go module. Returns its folder in the cache of Go. */
function moduleFolder({ module, version }: { readonly module: string; readonly version: string }): string {
  const output = execFileSync('go', ['mod', 'download', '-json', `${module}@${version}`], { cwd: tmpdir() });
  return (JSON.parse(output.toString()) as { Dir: string }).Dir; // the format of go mod download
}

/** Converts a Kubernetes schema to JSON Schema without descriptions, defaults and unknown fields. */
function toClosedSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toClosedSchema);
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as Schema; // an object of JSON
  if (schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string') {
    return { type: ['integer', 'string'] };
  }
  const kept: Schema = {};
  for (const [key, member] of Object.entries(schema)) {
    const isText = typeof member === 'string' && (key === 'description' || key === 'format');
    if (isText || key.startsWith('x-') || key === 'default') continue;
    kept[key] = key === 'properties' ? mapValues(member as Schema, toClosedSchema) : toClosedSchema(member);
  }
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (kept.properties !== undefined && kept.additionalProperties === undefined && !isOpen) {
    kept.additionalProperties = false;
  }
  return kept;
}

function mapValues(object: Schema, change: (value: unknown) => unknown): Schema {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function kubernetesSchemas(): unknown {
  const path = join(moduleFolder(KUBERNETES), 'api/openapi-spec/swagger.json');
  // OpenAPI 2
  const { definitions } = JSON.parse(readFileSync(path, 'utf8')) as { definitions: Record<string, Schema> };
  const referenced: Record<string, unknown> = {};
  const addReferenced = (name: string): void => {
    if (name in referenced) return;
    const isQuantity = name === 'io.k8s.apimachinery.pkg.api.resource.Quantity';
    referenced[name] = isQuantity ? { type: ['string', 'number'] } : toClosedSchema(definitions[name]);
    for (const [, next = ''] of JSON.stringify(referenced[name]).matchAll(/"#\/definitions\/([^"]+)"/g))
      addReferenced(next);
  };
  const kinds: Record<string, string> = {};
  for (const kind of KUBERNETES.kinds) {
    const name = `io.k8s.api.${kind.replaceAll('/', '.')}`;
    addReferenced(name);
    kinds[kind.replace(/^core\//, '')] = name;
  }
  // The API group of networking has a domain; those of policy and autoscaling are the names of their folders.
  const renamed = Object.entries(kinds).map(([kind, name]) => [
    kind.replace(/^networking\//, 'networking.k8s.io/'),
    name,
  ]);
  return { ...origin(KUBERNETES), kinds: Object.fromEntries(renamed), definitions: referenced };
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
      schemas[`${group}/${name}/${names.kind}`] = toClosedSchema(schema.openAPIV3Schema);
  }
  return { ...origin(from), schemas };
}

/** The metadata fields of a KEDA trigger, from the source of its scaler: the CRD does not list them. */
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
