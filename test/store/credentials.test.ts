/** Access keys that a container's platform gives out. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loadSettings } from '../../config/settings.ts';
import { containerCredentials } from '../../store/container-credentials.ts';

const HOUR = 3_600_000;

/** What the platform was asked, and what it answers. */
const asked: (string | undefined)[] = [];
let answer: { status: number; validFor: number };
let folder: string;
let uri: string;
const server = createServer((request, response) => {
  asked.push(request.headers.authorization);
  response.writeHead(answer.status, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({
      AccessKeyId: `key-${asked.length}`,
      SecretAccessKey: 'secret',
      Token: 'token',
      Expiration: new Date(Date.now() + answer.validFor).toISOString(),
    }),
  );
});

beforeEach(async () => {
  asked.length = 0;
  answer = { status: 200, validFor: 6 * HOUR };
  folder = await mkdtemp(join(tmpdir(), 'frameloom-keys-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/credentials`; // it listens on TCP
});
afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

it('requests credentials once for concurrent callers while they are valid', async () => {
  const credentials = containerCredentials(uri, undefined);
  const given = await Promise.all([credentials(), credentials(), credentials()]);
  expect(new Set(given)).toEqual(
    new Set([{ accessKeyId: 'key-1', secretAccessKey: 'secret', sessionToken: 'token' }]),
  );
  await credentials();
  expect(asked).toEqual([undefined]);
});

it('requests credentials again five minutes before they expire, with the current token', async () => {
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'first\n');
  const credentials = containerCredentials(uri, tokenFile);
  await credentials();
  await writeFile(tokenFile, 'second\n');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6 * HOUR - 5 * 60_000 - 5000 });
  expect((await credentials()).accessKeyId).toBe('key-1');
  vi.setSystemTime(Date.now() + 10_000);
  expect((await credentials()).accessKeyId).toBe('key-2');
  expect(asked).toEqual(['first', 'second']);
});

it('reports rejected credentials and an unreadable token as temporary, without a URL', async () => {
  answer.status = 500;
  const credentials = containerCredentials(uri, undefined);
  const refusal = { name: 'StoreError', code: 'unavailable' };
  const error: unknown = await credentials().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject(refusal);
  expect(String(error)).not.toContain('127.0.0.1');
  await expect(containerCredentials(uri, join(folder, 'none'))()).rejects.toMatchObject(refusal);
  answer.status = 200;
  expect((await credentials()).secretAccessKey).toBe('secret');
});

it('prefers credentials of the environment, and rejects a bucket without any', () => {
  const bucket = { FRAMELOOM_STORE: 's3://bucket', FRAMELOOM_HOME: folder };
  const platform = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: uri,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/token',
  };
  const own = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' };
  const credentialsOf = (env: Readonly<Record<string, string>>) =>
    loadSettings({ ...bucket, ...env }).bucket?.credentials;
  expect(credentialsOf({ ...platform, ...own })).toEqual({
    accessKeyId: 'a',
    secretAccessKey: 's',
    sessionToken: 't',
  });
  expect(credentialsOf(platform)).toEqual({ uri, tokenFile: '/token' });
  expect(() => credentialsOf({ AWS_ACCESS_KEY_ID: 'a' })).toThrow('AWS_SECRET_ACCESS_KEY');
});
