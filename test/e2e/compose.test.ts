/**
 * Runs the processes of deploy/compose.yaml without containers: the commands, environments and health checks of compose.yaml
 * and the container files, with a Temporal server and an S3 server. Only addresses, ports, /data and /tmp are replaced.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findFreePorts } from '../../cli/embedded/ports.ts';
import { commandEntry, packageRoot } from '../../cli/package-root.ts';
import { createClient } from '../../client/index.ts';
import { cleanEnv } from '../cli/run-frameloom.ts';
import { execForm, lastStage, parseContainerFile } from '../deploy/container-file.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { startTemporalServer, type TestServer } from '../support/temporal-server.ts';
import { makeDeck } from '../world/deck.ts';

type Env = Readonly<Record<string, string>>;

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Env;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

const OURS = ['api', 'worker-cpu', 'worker-gpu'] as const;
type Ours = (typeof OURS)[number];
const KEY = 'key-of-this-test';
const ENV_FILE: Env = {
  POSTGRES_PASSWORD: 'x',
  S3_ACCESS_KEY: 'test-key',
  S3_SECRET_KEY: 'test-secret',
  FRAMELOOM_API_KEYS: `someone:${createHash('sha256').update(KEY).digest('hex')}`,
};

const read = (path: string): Promise<string> => readFile(join(packageRoot(), path), 'utf8');

/** Reads compose.yaml and replaces `${NAME}` by the values of an env file, as compose does. */
async function readCompose(env: Env): Promise<Readonly<Record<string, Service>>> {
  const text = (await read('deploy/compose.yaml')).replace(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_all, name: string, kind?: string, rest?: string) => {
      const value = env[name] ?? (kind === '-' ? rest : undefined);
      if (value === undefined) throw new Error(`${name}: ${rest}`);
      return value;
    },
  );
  return (parse(text, { merge: true }) as { services: Record<string, Service> }).services; // compose's format
}

/** Environment, command and health check of the last stage of a container file. */
async function readImage({
  build,
}: Service): Promise<{ env: Env; command: readonly string[]; health: readonly string[] }> {
  const last = lastStage(parseContainerFile(await read(build?.dockerfile ?? '')));
  const argumentsOf = (name: string): readonly string[] => {
    const found = last.find((one) => one.name === name);
    return (found && execForm(found)) ?? [];
  };
  const env = last
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ text }) =>
      [...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    );
  return { env: Object.fromEntries(env), command: argumentsOf('CMD'), health: argumentsOf('HEALTHCHECK') };
}

describe('compose.yaml', () => {
  it('does not start without its secrets, and its example lists all of them', async () => {
    await expect(readCompose({})).rejects.toThrow(/deploy\/\.env/);
    const example = await read('deploy/compose.env.example');
    for (const name of Object.keys(ENV_FILE)) expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
  });

  it('pins every image, drops the privileges of our processes, and publishes the API on the loopback address only', async () => {
    const services = await readCompose(ENV_FILE);
    for (const { image, build } of Object.values(services)) {
      if (build === undefined) expect(image).toMatch(/:v?\d+\.\d+/);
    }
    for (const name of OURS) {
      expect(services[name]).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        stop_grace_period: '30s',
        volumes: [`${name}:/data`],
      });
    }
    expect(Object.values(services).flatMap(({ ports = [] }) => ports)).toEqual(['127.0.0.1:8484:8484']);
  });
});

describe.skipIf(NO_S3_SERVER !== undefined)(
  `the processes of compose.yaml${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let folder: string;
    let temporal: TestServer;
    let bucket: TestBucket;
    let apiPort: number;
    const children = new Map<
      Ours,
      { readonly child: ChildProcess; readonly env: Env; readonly health: readonly string[] }
    >();

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'frameloom-compose-'));
      temporal = await startTemporalServer();
      bucket = await startBucket();
      const services = await readCompose(ENV_FILE);
      const ports = await findFreePorts(3);
      apiPort = ports[0] ?? 0;
      for (const [index, name] of OURS.entries()) {
        const service = services[name] ?? {};
        const image = await readImage(service);
        const own = join(folder, name);
        await mkdir(join(own, 'tmp'), { recursive: true });
        const written: Env = { ...image.env, ...service.environment };
        const addresses: Env = {
          'temporal:7233': temporal.address,
          'http://s3:7070': bucket.env.FRAMELOOM_S3_ENDPOINT ?? '',
          's3://frameloom': bucket.env.FRAMELOOM_STORE ?? '',
          '0.0.0.0': '127.0.0.1',
          '8484': String(apiPort),
          '9464': String(ports[index]),
        };
        const env = cleanEnv({
          ...Object.fromEntries(
            Object.entries(written).map(([key, value]) => [
              key,
              addresses[value] ?? value.replace(/^\/data/, own),
            ]),
          ),
          TMPDIR: join(own, 'tmp'),
        });
        const [program = '', entry, ...args] = image.command;
        expect([program, entry]).toEqual(['node', 'dist/cli/main.js']);
        const child = spawn(process.execPath, [...commandEntry(), ...args], {
          env,
          cwd: packageRoot(),
          stdio: 'ignore',
        });
        children.set(name, { child, env, health: image.health });
      }
    }, 120_000);
    afterAll(async () => {
      for (const { child } of children.values()) if (child.exitCode === null) child.kill('SIGKILL');
      await bucket?.[Symbol.asyncDispose]();
      await temporal?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it.each(OURS)('become healthy by their own health check: %s', async (name) => {
      const { child, env, health } = children.get(name) ?? {};
      const check = async (): Promise<number | null> => {
        if (child?.exitCode !== null) throw new Error(`${name} has exited`);
        const probe = spawn(process.execPath, health?.slice(1) ?? [], {
          env,
          cwd: packageRoot(),
          stdio: 'ignore',
        });
        const [code] = (await once(probe, 'exit')) as [number | null]; // node's own
        return code;
      };
      await expect.poll(check, { timeout: 120_000, interval: 500 }).toBe(0);
    });

    it('complete a job through the bucket for a client with an API key, and reject one without', async () => {
      const url = `http://127.0.0.1:${apiPort}`;
      expect((await fetch(`${url}/v1/summaries`)).status).toBe(401);
      const client = createClient({ url, apiKey: KEY });
      const deck = join(folder, 'deck.pdf');
      await makeDeck(deck, { seed: 53, pages: 3 });
      const { id: file } = await client.uploadFile(await openAsBlob(deck), 'deck.pdf');
      const { id } = await client.createSummary({ source: { type: 'deck', file_id: file } });
      for await (const _ of client.streamEvents(id)) {
        // until the job has ended
      }
      expect((await client.getSummary(id)).status).toBe('completed');
    });

    it.each(OURS)('leave in order when they are told to: %s', async (name) => {
      const { child } = children.get(name) ?? {};
      child?.kill('SIGTERM');
      const ended = child?.exitCode ?? (child && (await once(child, 'exit'))[0]);
      expect(ended).toBe(0);
    });
  },
);
