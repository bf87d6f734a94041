/** Renders the chart with Helm. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findTool } from '../../cli/find-tool.ts';
import { packageRoot } from '../../cli/package-root.ts';
import type { KubernetesObject } from './kubernetes-schemas.ts';

export const CHART = join(packageRoot(), 'deploy', 'chart');
export const EXAMPLES = readdirSync(join(CHART, 'examples')).sort();

/** The Helm program. Without it, tests of the chart are skipped. */
export const helm = findTool('helm', process.env);
/** The reason, appended to the names of skipped tests. */
export const SKIPPED =
  helm === undefined ? ' (Helm was not found: set HELM_PATH or run node scripts/setup.mjs test)' : '';

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly securityContext: object;
  readonly resources: {
    readonly requests: Readonly<Record<string, unknown>>;
    readonly limits: Readonly<Record<string, unknown>>;
  };
  readonly startupProbe?: { readonly periodSeconds: number; readonly failureThreshold: number };
  readonly livenessProbe?: { readonly exec?: { readonly command: readonly string[] } };
  readonly readinessProbe?: object;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

export interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
  readonly terminationGracePeriodSeconds: number;
  readonly tolerations?: readonly object[];
  readonly [field: string]: unknown;
}

export interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly strategy: object;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: PodSpec;
    };
  };
}

/** Returns all objects of a release. Throws with Helm's message if it rejects the values. */
export function render(example: string, ...set: readonly string[]): readonly KubernetesObject[] {
  const args = ['template', 'frameloom', CHART, '--namespace', 'video', '--kube-version', '1.34.2'];
  const values = join(CHART, 'examples', example);
  const text = execFileSync(
    helm ?? 'helm',
    [...args, '--values', values, ...set.flatMap((one) => ['--set-json', one])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  ).toString();
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null) // null if empty; tests check the schema
    .filter((object) => object !== null);
}

export function deployments(objects: readonly KubernetesObject[]): readonly Deployment[] {
  return objects.filter(({ kind }) => kind === 'Deployment') as unknown as readonly Deployment[]; // by its schema
}

/** Returns the deployment of `api`, `cpu` or `gpu`. */
export function deploymentOf(objects: readonly KubernetesObject[], role: string): Deployment {
  const found = deployments(objects).find(
    ({ metadata }) => metadata.labels['app.kubernetes.io/component'] === role,
  );
  if (!found) throw new Error(`no deployment of ${role}`);
  return found;
}

export function containersOf({ spec }: Deployment): readonly Container[] {
  return [...(spec.template.spec.initContainers ?? []), ...spec.template.spec.containers];
}
