import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IMAGE_MEMORY_ENV, ROLES, type Role } from '../../cli/embedded/roles.ts';
import { packageRoot } from '../../cli/package-root.ts';
import { containerFileProblems, execForm, parseContainerFile } from '../../scripts/container-file.ts';

const FILES: Readonly<Record<Role, string>> = {
  api: 'api.Dockerfile',
  cpu: 'worker-cpu.Dockerfile',
  gpu: 'worker-gpu.Dockerfile',
};
const read = (name: string): string => readFileSync(join(packageRoot(), 'deploy', name), 'utf8');
const environments = (file: string): string =>
  parseContainerFile(read(file))
    .filter(({ name }) => name === 'ENV')
    .map(({ text }) => text)
    .join(' ');

describe('container files', () => {
  it('are one per role', () => {
    const found = readdirSync(join(packageRoot(), 'deploy')).filter((name) => name.endsWith('.Dockerfile'));
    expect(found.sort()).toEqual(Object.values(FILES).sort());
  });

  it.each(Object.entries(FILES))(
    'start the %s with the command that the embedded system uses',
    (role, file) => {
      const command = parseContainerFile(read(file)).findLast(({ name }) => name === 'CMD');
      expect(command && execForm(command)).toEqual([
        'node',
        'dist/cli/main.js',
        ...ROLES[role as Role].command, // a key of FILES
      ]);
    },
  );

  it.each(Object.entries(FILES))(
    'give the %s the environment that the embedded system gives',
    (role, file) => {
      for (const [name, value] of Object.entries(ROLES[role as Role].env)) // a key of FILES
        expect(environments(file)).toContain(`${name}=${value}`);
    },
  );

  // Lambda chooses the sizes of V8's generations itself, by the memory of the function.
  it('give the CPU worker on Lambda the memory for pictures', () => {
    for (const [name, value] of Object.entries(IMAGE_MEMORY_ENV))
      expect(environments('lambda/worker.Dockerfile')).toContain(`${name}=${value}`);
  });

  it.each(Object.values(FILES))('keep the rules: %s', (file) => {
    expect(containerFileProblems(parseContainerFile(read(file)))).toEqual([]);
  });
});

describe('the GPU worker with CUDA', () => {
  // The stages up to the last one: what `--target cuda` builds.
  const stages = parseContainerFile(read('worker-gpu.Dockerfile'));
  const cuda = stages.slice(
    0,
    stages.findLastIndex(({ name }) => name === 'FROM'),
  );
  const last = (name: string): string | undefined => cuda.findLast((one) => one.name === name)?.text;

  it('keeps the rules, and starts and is checked as without', () => {
    expect(containerFileProblems(cuda)).toEqual([]);
    expect(last('FROM')).toMatch(/^nvidia\/cuda:12\.\S+-cudnn-runtime-\S+ AS cuda$/);
    for (const [name, value] of Object.entries(ROLES.gpu.env))
      expect(last('ENV')).toContain(`${name}=${value}`);
    for (const name of ['CMD', 'HEALTHCHECK', 'USER', 'STOPSIGNAL']) {
      expect(last(name)).toBe(stages.findLast((one) => one.name === name)?.text);
    }
  });

  it('has the providers that the npm package leaves out, by its own install script', () => {
    expect(
      cuda.some(
        ({ name, text }) => name === 'RUN' && text.includes('ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild'),
      ),
    ).toBe(true);
    expect(last('ENV')).toContain('FRAMELOOM_MODEL_PROVIDER=cuda');
  });
});

describe('the rules for container files', () => {
  const good = 'FROM node:20.19-bookworm-slim\nUSER node\nHEALTHCHECK CMD ["node", "x"]\nCMD ["node", "y"]\n';

  it('accept a file that keeps them', () => {
    expect(containerFileProblems(parseContainerFile(good))).toEqual([]);
  });

  it.each([
    ['an image without a version', good.replace(':20.19-bookworm-slim', '')],
    ['the image tag latest', good.replace('20.19-bookworm-slim', 'latest')],
    ['root', good.replace('USER node', 'USER root')],
    ['no health check', good.replace(/HEALTHCHECK.*\n/, '')],
    ['a shell as the first process', good.replace('CMD ["node", "y"]', 'CMD node y')],
    ['npm as the first process', good.replace('CMD ["node", "y"]', 'CMD ["npm", "start"]')],
    [
      'package lists that stay',
      good.replace('USER', 'RUN apt-get update && apt-get install -y --no-install-recommends x\nUSER'),
    ],
    ['npm install', good.replace('USER', 'RUN npm install\nUSER')],
    ['a secret', good.replace('USER', 'ENV API_KEY=abc\nUSER')],
    ['a stage that is not there', good.replace('USER', 'COPY --from=build /a /b\nUSER')],
    ['a misspelt instruction', good.replace('USER', 'RNU x\nUSER')],
  ])('refuse %s', (_what, text) => {
    expect(containerFileProblems(parseContainerFile(text)).length).toBeGreaterThan(0);
  });
});
