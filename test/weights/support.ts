import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import {
  createHubClient,
  type HubClient,
  type PullEvent,
  type PullOptions,
  type WeightSet,
} from '../../weights/index.ts';
import { type FakeHub, seededBytes, sha256, startFakeHub } from '../support/fake-hub.ts';

export const REPOSITORY = 'some/model';
export const REVISION = '0123456789abcdef0123456789abcdef01234567';

export const pathOf = (name: string): string => `${REPOSITORY}/resolve/${REVISION}/weights/${name}`;

/** Publishes files on the server and returns their set. The first file is the marker file. */
export function publish(
  hub: FakeHub,
  files: Readonly<Record<string, Buffer>>,
  { exact = true }: { readonly exact?: boolean } = {},
): WeightSet {
  for (const [name, body] of Object.entries(files)) hub.content.set(pathOf(name), body);
  return {
    repository: REPOSITORY,
    revision: REVISION,
    markerFile: Object.keys(files)[0] ?? '',
    files: Object.entries(files).map(([name, body]) => ({
      path: name,
      source: `weights/${name}`,
      digest: { algorithm: 'sha256', hex: sha256(body) },
      size: { bytes: body.length, exact },
    })),
  };
}

export interface Watched extends PullOptions {
  readonly waits: number[];
  readonly events: PullEvent[];
}

/** Options of a pull that records its waits instead of waiting, and its events. */
export function watched(hub: HubClient, more: Partial<PullOptions> = {}): Watched {
  const waits: number[] = [];
  const events: PullEvent[] = [];
  return {
    hub,
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    retryPolicy: {
      attempts: 4,
      async sleep(milliseconds) {
        waits.push(milliseconds);
      },
    },
    freeBytes: async () => 1e12,
    ...more,
    waits,
    events,
  };
}

export const CONFIG = Buffer.from('{"the":"config"}');
export const DATA = seededBytes('data', 300_000);
export const FILES = { 'genai_config.json': CONFIG, 'text.onnx.data': DATA };

export interface PullBench {
  /** Parent of the model folder, which does not exist yet. */
  parent: string;
  folder: string;
  server: FakeHub;
  hub: HubClient;
  set: WeightSet;
  read(name: string): Promise<Buffer>;
  exists(name: string): Promise<boolean>;
  /** Requested ranges of a file, in order. */
  ranges(name: string): (string | undefined)[];
  expectWhole(): Promise<void>;
  /** Expects a WeightsError with this code and without a path, and a folder without the marker file. */
  expectError(running: Promise<unknown>, code: string): Promise<Error>;
}

/** Creates a server with two files and a target folder for each test of the file. */
export function pullBench(): PullBench {
  const bench: Partial<PullBench> & Omit<PullBench, 'parent' | 'folder' | 'server' | 'hub' | 'set'> = {
    read: (name) => readFile(join(made().folder, name)),
    exists: (name) =>
      access(join(made().folder, name)).then(
        () => true,
        () => false,
      ),
    ranges: (name) =>
      made()
        .server.requests.filter(({ path }) => path === pathOf(name))
        .map(({ range }) => range),
    async expectWhole() {
      for (const [name, body] of Object.entries(FILES)) {
        expect((await bench.read(name)).equals(body)).toBe(true);
      }
      expect((await readdir(made().folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
    },
    async expectError(running, code) {
      const error = await running.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ name: 'WeightsError', code });
      expect(String(error)).not.toContain(made().parent);
      expect(await bench.exists('genai_config.json')).toBe(false);
      return error as Error; // matched above
    },
  };
  const made = (): PullBench => bench as PullBench; // the other members are set before each test
  beforeEach(async () => {
    const parent = await mkdtemp(join(tmpdir(), 'frameloom-pull-'));
    const server = await startFakeHub();
    Object.assign(bench, {
      parent,
      folder: join(parent, 'model'),
      server,
      hub: createHubClient({ endpoint: server.origin, token: 'hf_secret' }),
      set: publish(server, FILES),
    });
  });
  afterEach(async () => {
    const { parent, server, hub } = made();
    await hub[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await rm(parent, { recursive: true, force: true });
  });
  return made();
}
