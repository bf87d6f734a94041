/** deploy/lambda: the template uses the files of the build, grants only what is needed, and contains no secrets. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../cli/package-root.ts';
import { settingsTable } from '../../config/settings.ts';
import { bundleLambda } from '../../scripts/lib/lambda-bundle.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';
import { execForm, lastStage, parseContainerFile } from './container-file.ts';

interface LambdaFunction {
  readonly Properties: {
    readonly CodeUri?: string;
    readonly Handler?: string;
    readonly Timeout: number;
    readonly ImageConfig?: { readonly Command: readonly string[] };
    readonly Environment: Variables;
    readonly FunctionUrlConfig?: { readonly InvokeMode: string };
  };
}
interface Variables {
  readonly Variables: Readonly<Record<string, unknown>>;
}
interface Statement {
  readonly Action: readonly string[];
  readonly Resource: { readonly 'Fn::Sub': string };
}
interface Template {
  readonly Globals: { readonly Function: { readonly Environment: Variables } };
  readonly Resources: {
    readonly Api: LambdaFunction;
    readonly CpuWorker: LambdaFunction;
    readonly StorePolicy: {
      readonly Properties: { readonly PolicyDocument: { readonly Statement: readonly Statement[] } };
    };
  };
}

const read = (...path: string[]): Promise<string> => readFile(join(packageRoot(), ...path), 'utf8');
let template: Template;
let folder: string;

beforeAll(async () => {
  template = parse(await read('deploy', 'lambda', 'template.yaml')) as Template; // the format of SAM
  folder = await mkdtemp(join(tmpdir(), 'frameloom-lambda-build-'));
  await bundleLambda(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a module in a new Node process with the environment of a function. Returns its stdout. */
async function inFunction(code: string): Promise<string> {
  const path = join(folder, 'module.mjs');
  await writeFile(path, code);
  const env = cleanEnv({
    FRAMELOOM_HOME: join(folder, 'home'),
    FRAMELOOM_API_KEYS: `ada:${'a'.repeat(64)}`,
    FRAMELOOM_STORE: 's3://bucket/frameloom',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_SESSION_TOKEN: 'x',
  });
  const { code: exit, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', path], env);
  expect([exit, stderr]).toEqual([0, '']);
  return stdout;
}

describe('the function of the API', () => {
  it('has a handler in the bundle, which responds without node_modules', async () => {
    const { CodeUri, Handler = '', FunctionUrlConfig } = template.Resources.Api.Properties;
    expect([CodeUri, FunctionUrlConfig?.InvokeMode]).toEqual(['../../dist/lambda/', 'RESPONSE_STREAM']);
    const [file, name] = Handler.split('.');
    const output = await inFunction(`
      import { PassThrough } from 'node:stream';
      globalThis.awslambda = {
        streamifyResponse: (handler) => handler,
        HttpResponseStream: { from: (stream, { statusCode }) => (stream.write(statusCode + ' '), stream) },
      };
      const { ${name}: handler } = await import('./${file}.mjs');
      const http = { method: 'GET', path: '/healthz' };
      const event = { version: '2.0', rawPath: '/healthz', rawQueryString: '', headers: {}, isBase64Encoded: false,
        requestContext: { domainName: 'x', http } };
      const stream = new PassThrough();
      stream.pipe(process.stdout);
      await handler(event, stream, { getRemainingTimeInMillis: () => 60000 });
      process.exitCode = 0;
      setImmediate(() => process.exit());
    `);
    expect(output).toBe('200 {"status":"alive"}');
  });

  it('stays small, because a cold start reads all of it', async () => {
    const path = join(folder, 'api.mjs');
    expect((await stat(path)).size).toBeLessThan(3_000_000);
    expect(gzipSync(await readFile(path)).length).toBeLessThan(700_000);
  });
});

describe('the function of the worker', () => {
  it('has a handler in the compiled files, which is the command of its image', async () => {
    const [command = ''] = template.Resources.CpuWorker.Properties.ImageConfig?.Command ?? [];
    const [, source = '', name] = /^dist\/(.*)\.(\w+)$/.exec(command) ?? [];
    const build = JSON.parse(await read('tsconfig.build.json')) as { readonly include: readonly string[] };
    expect(build.include).toContain(`${source}.ts`);
    const path = join(packageRoot(), `${source}.ts`);
    expect(await inFunction(`console.log(typeof (await import('${path}')).${name})`)).toBe('function\n');
    const image = parseContainerFile(await read('deploy', 'lambda', 'worker.Dockerfile'));
    const last = image.findLast((instruction) => instruction.name === 'CMD');
    expect(last && execForm(last)).toEqual([command]);
    // The runtime of Lambda sets the user and the entry point and checks health.
    const leftToLambda = ['USER', 'HEALTHCHECK', 'ENTRYPOINT'];
    expect(lastStage(image).filter((instruction) => leftToLambda.includes(instruction.name))).toEqual([]);
  });

  it('has the maximum time limit of Lambda', () => {
    expect(template.Resources.CpuWorker.Properties.Timeout).toBe(900);
  });
});

describe('the template', () => {
  it('sets only known settings, and secrets only by reference', () => {
    const known = new Set(settingsTable().map(({ name }) => name));
    const { Api, CpuWorker } = template.Resources;
    const all = [template.Globals.Function, Api.Properties, CpuWorker.Properties];
    const variables = all.flatMap(({ Environment }) => Object.entries(Environment.Variables));
    expect(variables.map(([name]) => name).filter((name) => name !== 'NODE_ENV' && !known.has(name))).toEqual(
      [],
    );
    for (const [name, value] of variables.filter(([one]) => /KEY|SECRET|TOKEN/.test(one)))
      expect([name, JSON.stringify(value)]).toEqual([
        name,
        expect.stringContaining('{{resolve:secretsmanager:'),
      ]);
    expect(variables.filter(([name]) => /KEY/.test(name)).length).toBe(2);
  });

  it('grants access to the artifacts and nothing else', () => {
    const statements = template.Resources.StorePolicy.Properties.PolicyDocument.Statement;
    const granted = statements.flatMap(({ Action, Resource }) =>
      Action.map(
        (action) => `${action} ${Resource['Fn::Sub'].replace(/^.*:::/, '').replaceAll(/[${}]/g, '')}`,
      ),
    );
    // As listed in docs/store.md.
    expect(granted.sort()).toEqual([
      's3:AbortMultipartUpload Bucket/Prefix/*',
      's3:DeleteObject Bucket/Prefix/*',
      's3:GetObject Bucket/Prefix/*',
      's3:ListBucket Bucket',
      's3:ListBucketMultipartUploads Bucket',
      's3:ListMultipartUploadParts Bucket/Prefix/*',
      's3:PutObject Bucket/Prefix/*',
    ]);
  });
});
