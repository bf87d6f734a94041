import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IMAGE_MEMORY_ENV, ROLES, type Role } from '../../cli/embedded/roles.ts';
import { findTool } from '../../cli/find-tool.ts';
import { packageRoot } from '../../cli/package-root.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';
import { execForm, type Instruction, lastStage, parseContainerFile } from '../deploy/container-file.ts';

const FILES: Readonly<Record<Role, string>> = {
  api: 'api.Dockerfile',
  cpu: 'worker-cpu.Dockerfile',
  gpu: 'worker-gpu.Dockerfile',
};
const LAMBDA = 'lambda/worker.Dockerfile';
const read = (name: string): string => readFileSync(join(packageRoot(), 'deploy', name), 'utf8');
const parse = (name: string): readonly Instruction[] => parseContainerFile(read(name));

/** The arguments of the last instruction with a name. */
function argumentsOf(instructions: readonly Instruction[], name: string): string | undefined {
  return instructions.findLast((one) => one.name === name)?.text;
}

/** The words of the only CMD; empty for the shell form. */
function command(instructions: readonly Instruction[]): readonly string[] {
  const [only, ...others] = instructions.filter(({ name }) => name === 'CMD');
  return only === undefined || others.length > 0 ? [] : (execForm(only) ?? []);
}

const environments = (file: string): string =>
  parse(file)
    .filter(({ name }) => name === 'ENV')
    .map(({ text }) => text)
    .join(' ');

/** Lints a container file with the rules of .hadolint.yaml. */
function lint(path: string): ReturnType<typeof run> {
  const config = join(packageRoot(), '.hadolint.yaml');
  return run(findTool('hadolint', process.env) ?? '', ['--no-color', '-c', config, path], cleanEnv());
}
const hasHadolint = findTool('hadolint', process.env) !== undefined;

describe('container files', () => {
  it('are one per role', () => {
    const found = readdirSync(join(packageRoot(), 'deploy')).filter((name) => name.endsWith('.Dockerfile'));
    expect(found.sort()).toEqual(Object.values(FILES).sort());
  });

  it.each(Object.entries(FILES))(
    'start the %s with the command that the embedded system uses',
    (role, file) => {
      const expected = ['node', 'dist/cli/main.js', ...ROLES[role as Role].command]; // a key of FILES
      expect(command(lastStage(parse(file)))).toEqual(expected);
    },
  );

  it.each(Object.entries(FILES))(
    'set the environment of the %s that the embedded system sets',
    (role, file) => {
      for (const [name, value] of Object.entries(ROLES[role as Role].env)) // a key of FILES
        expect(environments(file)).toContain(`${name}=${value}`);
    },
  );

  // Lambda sets the sizes of V8's generations itself, by the memory of the function.
  it('set the memory limits for images of the CPU worker on Lambda', () => {
    for (const [name, value] of Object.entries(IMAGE_MEMORY_ENV))
      expect(environments(LAMBDA)).toContain(`${name}=${value}`);
  });

  it.runIf(hasHadolint).each([...Object.values(FILES), LAMBDA])('pass hadolint: %s', async (file) => {
    expect(await lint(join(packageRoot(), 'deploy', file))).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.each(Object.values(FILES))('run as another user than root and check their health: %s', (file) => {
    const stage = lastStage(parse(file));
    expect(argumentsOf(stage, 'USER')).toBe('node');
    expect(argumentsOf(stage, 'HEALTHCHECK')).toContain('CMD ["node", "deploy/healthcheck.mjs"');
  });

  it.each([...Object.values(FILES), LAMBDA])('install exactly what the lock file names: %s', (file) => {
    const runs = parse(file).filter(({ name }) => name === 'RUN');
    expect(runs.some(({ text }) => /\bnpm ci\b/.test(text))).toBe(true);
    for (const { text } of runs) expect(text).not.toMatch(/\bnpm (i|install|add)\b/);
  });
});

describe('the GPU worker with CUDA', () => {
  // The stages before the last one: what `--target cuda` builds.
  const all = parse(FILES.gpu);
  const stages = all.slice(
    0,
    all.findLastIndex(({ name }) => name === 'FROM'),
  );
  const cuda = lastStage(stages);

  it('starts and is checked as without CUDA', () => {
    expect(argumentsOf(cuda, 'FROM')).toMatch(/^nvidia\/cuda:12\.\S+-cudnn-runtime-\S+ AS cuda$/);
    for (const [name, value] of Object.entries(ROLES.gpu.env))
      expect(argumentsOf(cuda, 'ENV')).toContain(`${name}=${value}`);
    expect(command(cuda)).toEqual(command(lastStage(all)));
    for (const keyword of ['CMD', 'HEALTHCHECK', 'USER', 'STOPSIGNAL']) {
      expect(argumentsOf(cuda, keyword)).toBe(argumentsOf(all, keyword));
    }
  });

  it('installs the providers that the npm package leaves out with its own install script', () => {
    expect(
      stages.some(
        ({ name, text }) => name === 'RUN' && text.includes('ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild'),
      ),
    ).toBe(true);
    expect(argumentsOf(cuda, 'ENV')).toContain('FRAMELOOM_MODEL_PROVIDER=cuda');
  });
});
