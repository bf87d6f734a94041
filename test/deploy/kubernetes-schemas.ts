/** Validates objects of Kubernetes against the schemas in deploy/schemas/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { packageRoot } from '../../cli/package-root.ts';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

interface Trigger {
  readonly type: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

interface Schemas {
  readonly kinds?: Readonly<Record<string, string>>;
  readonly definitions?: Readonly<Record<string, object>>;
  readonly schemas?: Readonly<Record<string, { readonly properties: Readonly<Record<string, object>> }>>;
  readonly triggers?: Readonly<
    Record<string, readonly { readonly name: string; readonly required: boolean }[]>
  >;
}

/** Reads a file that scripts/vendor-schemas.ts wrote. */
const read = (name: string): Schemas =>
  JSON.parse(readFileSync(join(packageRoot(), 'deploy', 'schemas', `${name}.json`), 'utf8')) as Schemas;
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** Returns a function that lists the problems of an object. */
export function objectChecker(): (object: KubernetesObject) => readonly string[] {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validators = new Map<string, ValidateFunction>();
  const { kinds = {}, definitions = {} } = read('kubernetes');
  for (const [kind, name] of Object.entries(kinds)) {
    validators.set(kind, ajv.compile({ definitions, $ref: `#/definitions/${name}` }));
  }
  const keda = read('keda');
  const custom = { ...keda.schemas, ...read('prometheus-operator').schemas };
  for (const [kind, schema] of Object.entries(custom)) {
    // A CRD does not include the schema of metadata.
    const properties = { ...schema.properties, metadata: { $ref: `#/definitions/${META}` } };
    validators.set(kind, ajv.compile({ definitions, ...schema, properties }));
  }

  return (object): readonly string[] => {
    const kind = `${object.apiVersion}/${object.kind}`;
    const validate = validators.get(kind);
    if (validate === undefined) return [`no schema of ${kind}`];
    const valid: boolean = validate(object as unknown);
    const problems = valid
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message, params }) =>
            `${kind} ${object.metadata.name}${instancePath} ${message} ${JSON.stringify(params)}`,
        );
    return object.kind === 'ScaledObject'
      ? [...problems, ...triggerProblems(object, keda.triggers ?? {})]
      : problems;
  };
}

/** The CRD does not list the metadata of triggers: KEDA reads only text, under fixed names. */
function triggerProblems(
  object: KubernetesObject,
  known: NonNullable<Schemas['triggers']>,
): readonly string[] {
  const { triggers } = (object as unknown as { spec: { triggers: readonly Trigger[] } }).spec; // by its schema
  return triggers.flatMap(({ type, metadata }) => {
    const fields = known[type];
    if (fields === undefined) return [`no trigger ${type}`];
    const unknown = Object.keys(metadata).filter((key) => !fields.some(({ name }) => name === key));
    const missing = fields.filter(({ name, required }) => required && !(name in metadata));
    const notText = Object.keys(metadata).filter((key) => typeof metadata[key] !== 'string');
    return [
      ...unknown.map((key) => `trigger ${type} has no ${key}`),
      ...missing.map(({ name }) => `trigger ${type} needs ${name}`),
      ...notText.map((key) => `trigger ${type}: ${key} must be text`),
    ];
  });
}
