import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../cli/package-root.ts';
import { settingsTable } from '../../config/settings.ts';
import { objectChecker } from './kubernetes-schemas.ts';
import { containersOf, deploymentOf, deployments, EXAMPLES, helm, render, SKIPPED } from './render.ts';

const read = (...path: string[]): string => readFileSync(join(packageRoot(), ...path), 'utf8');
const SECRET = /(KEY|KEYS|TOKEN|SECRET|PASSWORD)(_ID)?$/;

describe.skipIf(helm === undefined).each(EXAMPLES)(`the chart with %s${SKIPPED}`, (example) => {
  const objects = helm === undefined ? [] : render(example);

  it('renders only valid objects of Kubernetes, KEDA and the Prometheus operator', () => {
    const check = objectChecker();
    expect(objects.flatMap(check)).toEqual([]);
    expect(deployments(objects)).toHaveLength(3);
  });

  it('runs every container as an unprivileged user on a read-only root file system', () => {
    for (const deployment of deployments(objects)) {
      expect(deployment.spec.template.spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(deployment.spec.template.spec).not.toHaveProperty('hostNetwork');
      for (const { securityContext } of containersOf(deployment)) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('contains no secrets, only references to existing Secrets', () => {
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const secrets = deployments(objects)
      .flatMap(containersOf)
      .flatMap(({ env }) => env.filter(({ name }) => SECRET.test(name)));
    expect(secrets.length).toBeGreaterThan(0);
    for (const { value, valueFrom } of secrets) {
      expect(value).toBeUndefined();
      expect(valueFrom).toHaveProperty('secretKeyRef.name');
    }
  });

  it('sets only known settings', () => {
    const known = settingsTable().map(({ name }) => name);
    for (const { env } of deployments(objects).flatMap(containersOf)) {
      expect(env.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
      expect(new Set(env.map(({ name }) => name)).size).toBe(env.length);
    }
  });

  it('sets probes, resource requests and a memory limit for each process', () => {
    for (const deployment of deployments(objects)) {
      for (const { resources } of containersOf(deployment)) {
        expect(resources).toMatchObject({ requests: { cpu: expect.anything(), memory: expect.anything() } });
        expect(resources).toHaveProperty('limits.memory');
      }
      for (const container of deployment.spec.template.spec.containers) {
        expect(container).toHaveProperty('startupProbe');
        expect(container).toHaveProperty('livenessProbe');
      }
    }
    expect(deploymentOf(objects, 'api').spec.template.spec.containers[0]).toHaveProperty('readinessProbe');
    for (const role of ['cpu', 'gpu']) {
      const [worker] = deploymentOf(objects, role).spec.template.spec.containers;
      // The health check of the image.
      expect(worker?.livenessProbe?.exec?.command).toEqual(['node', 'deploy/healthcheck.mjs', role]);
      expect(read('deploy', `worker-${role}.Dockerfile`)).toContain(
        `["node", "deploy/healthcheck.mjs", "${role}"]`,
      );
    }
  });

  it('mounts /tmp and /data and declares every mounted volume', () => {
    for (const deployment of deployments(objects)) {
      const volumes = deployment.spec.template.spec.volumes.map(({ name }) => name);
      for (const { volumeMounts } of containersOf(deployment)) {
        expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(
          expect.arrayContaining(['/tmp', '/data']),
        );
        expect(volumeMounts.filter(({ name }) => !volumes.includes(name))).toEqual([]);
      }
    }
  });

  it('gives workers more time to shut down than the process takes', () => {
    const shutdownTimeout = Number(
      /SHUTDOWN_TIMEOUT_MS = ([\d_]+)/.exec(read('cli', 'shutdown-signal.ts'))?.[1]?.replace('_', ''),
    );
    for (const role of ['cpu', 'gpu']) {
      const source = read('workers', role, `${role}-worker.ts`);
      const force = Number(/shutdownForceTime: '(\d+)s'/.exec(source)?.[1]);
      const grace = deploymentOf(objects, role).spec.template.spec.terminationGracePeriodSeconds;
      expect(force * 1000).toBeLessThan(shutdownTimeout);
      expect(grace * 1000).toBeGreaterThan(shutdownTimeout);
    }
  });

  it('selects the pods of one role with every policy, budget and service', () => {
    const selecting = objects.filter(({ kind }) =>
      ['Service', 'PodDisruptionBudget', 'NetworkPolicy'].includes(kind),
    );
    expect(selecting.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      ...['api', 'cpu', 'gpu'].map((role) => `NetworkPolicy frameloom-${role}`),
      ...['api', 'cpu', 'gpu'].map((role) => `PodDisruptionBudget frameloom-${role}`),
      'Service frameloom-api',
    ]);
    for (const object of selecting) {
      const { selector, podSelector } = (
        object as unknown as { spec: Record<string, Record<string, unknown>> }
      ).spec; // by its schema
      const labels = (podSelector ?? selector)?.matchLabels ?? selector;
      const chosen = deployments(objects).filter(({ spec }) =>
        Object.entries(labels as object).every(
          ([key, value]) => spec.template.metadata.labels[key] === value,
        ),
      );
      expect(chosen).toHaveLength(1);
    }
  });

  it('names images after the container files', () => {
    for (const { image } of deployments(objects).flatMap(containersOf)) {
      const name = /frameloom-([a-z-]+):\d+\.\d+\.\d+(-[a-z]+)?$/.exec(image)?.[1];
      expect(existsSync(join(packageRoot(), 'deploy', `${name}.Dockerfile`))).toBe(true);
    }
  });
});

interface Scaled {
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string };
    readonly minReplicaCount: number;
    readonly triggers: readonly {
      readonly type: string;
      readonly metadata: Readonly<Record<string, string>>;
    }[];
  };
}

describe.skipIf(helm === undefined)(`KEDA${SKIPPED}`, () => {
  const scaled = (example: string): readonly Scaled[] =>
    render(example).filter(({ kind }) => kind === 'ScaledObject') as unknown as readonly Scaled[]; // by its schema

  it('scales GPU workers from zero by backlog and used slots', () => {
    const gpu = scaled('gpu-spot.yaml').find(
      ({ spec }) => spec.scaleTargetRef.name === 'frameloom-worker-gpu',
    );
    expect(gpu?.spec.minReplicaCount).toBe(0);
    expect(gpu?.spec.triggers.map(({ type }) => type)).toEqual(['temporal', 'prometheus']);
    const [backlog, slots] = gpu?.spec.triggers ?? [];
    expect(backlog?.metadata).toMatchObject({
      taskQueue: 'gpu',
      queueTypes: 'activity',
      targetQueueSize: '8',
    });
    expect(slots?.metadata.query).toBe(
      'sum(temporal_worker_task_slots_used{worker_type="ActivityWorker",task_queue="gpu"}) or vector(0)',
    );
  });

  it('starts CPU workers for a workflow that has not started', () => {
    const cpu = scaled('temporal-cloud-s3.yaml').find(
      ({ spec }) => spec.scaleTargetRef.name === 'frameloom-worker-cpu',
    );
    expect(cpu?.spec.triggers.map(({ metadata }) => [metadata.taskQueue, metadata.queueTypes])).toEqual([
      ['cpu', 'activity'],
      ['decode', 'activity'],
      ['workflow', 'workflow'],
    ]);
  });

  it('sets the number of workers instead of replicas', () => {
    const counts = (example: string): unknown[] =>
      ['cpu', 'gpu'].map((role) => deploymentOf(render(example), role).spec.replicas);
    expect(counts('gpu-spot.yaml')).toEqual([undefined, undefined]);
    expect(counts('self-hosted.yaml')).toEqual([1, 1]);
  });

  it('reads the backlog of the build whose workers it scales', () => {
    const objects = render('gpu-spot.yaml', 'build={"id":"b7"}', 'api={"enabled":false}');
    const triggers = (role: string): readonly Readonly<Record<string, string>>[] =>
      (objects.filter(({ kind }) => kind === 'ScaledObject') as unknown as readonly Scaled[]) // by its schema
        .filter(({ spec }) => spec.scaleTargetRef.name === `frameloom-worker-${role}`)
        .flatMap(({ spec }) => spec.triggers)
        .filter(({ type }) => type === 'temporal')
        .map(({ metadata }) => metadata);
    for (const one of triggers('cpu')) {
      expect(one).toMatchObject({ workerDeploymentName: 'frameloom', workerDeploymentBuildId: 'b7' });
    }
    // One fleet of GPU workers serves all builds.
    expect(triggers('gpu')[0]).not.toHaveProperty('workerDeploymentBuildId');
    const builds = deployments(objects).map(({ spec }) =>
      spec.template.spec.containers[0]?.env.some(({ name }) => name === 'TEMPORAL_WORKER_BUILD_ID'),
    );
    expect(builds).toEqual([true, false]);
    expect(objects.flatMap(objectChecker())).toEqual([]);
  });

  it('authenticates to Temporal Cloud with the key of the workers', () => {
    const objects = render('temporal-cloud-s3.yaml');
    expect(objects.find(({ kind }) => kind === 'TriggerAuthentication')).toMatchObject({
      spec: { secretTargetRef: [{ parameter: 'apiKey', name: 'temporal-cloud', key: 'api-key' }] },
    });
  });
});

describe.skipIf(helm === undefined)(`GPU workers on spot nodes${SKIPPED}`, () => {
  it('request a GPU, tolerate the taints, and stop before their replacement starts', () => {
    const gpu = deploymentOf(render('gpu-spot.yaml'), 'gpu');
    const { spec } = gpu.spec.template;
    expect(spec.containers[0]?.resources.limits).toEqual({ memory: '16Gi', 'nvidia.com/gpu': 1 });
    expect(spec.tolerations).toContainEqual({
      key: 'nvidia.com/gpu',
      operator: 'Exists',
      effect: 'NoSchedule',
    });
    expect(spec.nodeSelector).toHaveProperty(['cloud.google.com/gke-accelerator'], 'nvidia-l4');
    expect(gpu.spec.strategy).toEqual({ rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } });
  });

  it('mount the pulled weights read-only', () => {
    const { initContainers = [], containers } = deploymentOf(render('gpu-spot.yaml'), 'gpu').spec.template
      .spec;
    const command = [...(initContainers[0]?.command ?? []), ...(initContainers[0]?.args ?? [])];
    expect(command.join(' ')).toBe('node dist/cli/main.js models pull phi-3.5-vision --variant gpu');
    for (const { env } of [...initContainers, ...containers]) {
      expect(env).toContainEqual({ name: 'FRAMELOOM_MODELS', value: '/models' });
    }
    expect(containers[0]?.volumeMounts).toContainEqual({
      name: 'models',
      mountPath: '/models',
      readOnly: true,
    });
  });

  it('share the profile that `models pull` writes with CPU workers', () => {
    const { download, ...bundled } = JSON.parse(read('models', 'phi-3.5-vision', 'frameloom.json')) as Record<
      string,
      object
    >;
    expect(JSON.parse(read('deploy', 'chart', 'profiles', 'phi-3.5-vision-gpu.json'))).toEqual({
      ...bundled,
      name: 'phi-3.5-vision-gpu',
      download: { ...download, folder: 'gpu/gpu-int4-rtn-block-32' },
    });
    const { containers } = deploymentOf(render('gpu-spot.yaml'), 'cpu').spec.template.spec;
    expect(containers[0]?.volumeMounts).toContainEqual({
      name: 'profile',
      mountPath: '/models/phi-3.5-vision-gpu',
      readOnly: true,
    });
  });
});

describe.skipIf(helm === undefined)(`the values${SKIPPED}`, () => {
  it.each([
    ['a misspelt name', 'workers={"gpu":{"replica":2}}', /replica/],
    ['a secret among settings', 'settings={"FRAMELOOM_TRANSCRIBE_API_KEY":"abc"}', /settings/],
    ['no API keys', 'api.keysSecret={"name":""}', /api\.keysSecret\.name is required/],
    ['no address of Temporal', 'temporal={"address":""}', /temporal\.address is required/],
    ['an address without a port', 'temporal={"address":"temporal"}', /address/],
    ['a GPU without modelMemory', 'workers={"gpu":{"provider":"cuda"}}', /modelMemory is required/],
    ['an unknown provider', 'workers={"gpu":{"provider":"rocm"}}', /provider/],
    [
      'a worker without a memory limit',
      'workers={"cpu":{"resources":{"requests":{},"limits":{"memory":null}}}}',
      /memory/,
    ],
    [
      'a shutdown shorter than a checkpoint',
      'workers={"gpu":{"terminationGracePeriodSeconds":5}}',
      /terminationGracePeriodSeconds/,
    ],
  ])('reject %s', (_what, set, message) => {
    expect(() => render('self-hosted.yaml', set)).toThrow(message);
  });
});

describe.skipIf(helm === undefined)(`the check of objects${SKIPPED}`, () => {
  it('reports a misspelt field, a wrong type, an unknown trigger field, and a kind without a schema', () => {
    const check = objectChecker();
    const [deployment] = deployments(render('self-hosted.yaml'));
    if (!deployment) throw new Error('no deployment');
    expect(check(deployment)).toEqual([]);
    expect(
      check({ ...deployment, spec: { ...deployment.spec, replica: 1 } } as typeof deployment)[0],
    ).toMatch('replica');
    expect(
      check({
        ...deployment,
        spec: { ...deployment.spec, replicas: '1' },
      } as unknown as typeof deployment)[0],
    ).toMatch('integer');
    const scaled = render('gpu-spot.yaml').find(({ kind }) => kind === 'ScaledObject');
    const changed = JSON.parse(
      JSON.stringify(scaled).replaceAll('targetQueueSize', 'targetQueue'),
    ) as typeof deployment;
    expect(check(changed).join()).toMatch('trigger temporal has no targetQueue');
    expect(check({ ...deployment, kind: 'StatefulSet' })).toEqual(['no schema of apps/v1/StatefulSet']);
  });
});
