/** A real S3 server for one test file: that of S3_ENDPOINT, or else versitygw on a folder and a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '../../cli/embedded/ports.ts';
import { findTool } from '../../cli/find-tool.ts';
import { createS3Client } from '../../store/s3/client.ts';
import type { S3Options } from '../../store/s3/index.ts';

export interface TestBucket extends AsyncDisposable {
  readonly options: Pick<S3Options, 'endpoint' | 'region' | 'bucket' | 'pathStyle' | 'credentials'>;
  /** The settings of a process that uses this bucket. */
  readonly env: Readonly<Record<string, string>>;
}

/** Why no S3 server can be started, or undefined. */
export const NO_S3_SERVER: string | undefined =
  process.env.S3_ENDPOINT || findTool('versitygw', process.env) !== undefined
    ? undefined
    : 'no S3 server: set S3_ENDPOINT, or install Go for the set-up to build versitygw';

/** Starts a server with one empty bucket. */
export async function startBucket(): Promise<TestBucket> {
  const given = process.env.S3_ENDPOINT;
  const accessKeyId = (given && process.env.AWS_ACCESS_KEY_ID) || 'test-key';
  const secretAccessKey = (given && process.env.AWS_SECRET_ACCESS_KEY) || 'test-secret';
  const server = given ? undefined : await startVersitygw(accessKeyId, secretAccessKey);
  const endpoint = given ?? server?.endpoint ?? '';
  const region = process.env.AWS_REGION ?? 'us-east-1';
  const bucket = `frameloom-${crypto.randomUUID()}`;
  const options = {
    endpoint,
    region,
    bucket,
    pathStyle: true,
    credentials: () => ({ accessKeyId, secretAccessKey }),
  };
  await createS3Client(options).text({ method: 'PUT' });
  return {
    options,
    env: {
      FRAMELOOM_STORE: `s3://${bucket}/some/where`,
      FRAMELOOM_S3_ENDPOINT: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    async [Symbol.asyncDispose]() {
      await server?.stop();
    },
  };
}

async function startVersitygw(accessKeyId: string, secretAccessKey: string) {
  const program = findTool('versitygw', process.env);
  if (program === undefined) throw new Error(NO_S3_SERVER);
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-s3-'));
  // Metadata is stored in separate files, because not every file system has extended attributes.
  await mkdir(join(folder, 'objects'));
  await mkdir(join(folder, 'metadata'));
  const [port] = await findFreePorts(1);
  const child = spawn(
    program,
    [
      '--quiet',
      '--port',
      `127.0.0.1:${port}`,
      'posix',
      '--sidecar',
      join(folder, 'metadata'),
      join(folder, 'objects'),
    ],
    {
      stdio: 'ignore',
      cwd: folder,
      env: { ...process.env, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  await waitForResponse(endpoint, child);
  return {
    endpoint,
    async stop() {
      const ended = once(child, 'exit');
      if (child.exitCode === null && child.kill('SIGTERM')) await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function waitForResponse(endpoint: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error('the S3 server exited during its start');
    const response = await fetch(endpoint).catch(() => undefined);
    await response?.body?.cancel();
    if (response) return; // 403, because the request is not signed
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
