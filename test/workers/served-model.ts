/** A model served over HTTP for one test file. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Generator } from '../../phi3v/index.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import { startModelServer } from '../../workers/serve-model/server.ts';
import { TINY } from '../phi3v/support.ts';

export interface ServedModel extends AsyncDisposable {
  /** Where OpenAI's interface begins. */
  readonly url: string;
  /** The folder that pictures of requests are in while they are needed. */
  readonly scratch: string;
  readonly logged: { readonly level: string; readonly message: string; readonly fields: object }[];
  close(): Promise<void>;
}

export interface ServeOptions {
  /** Keys that are accepted, in the clear. */
  readonly keys?: readonly string[];
  readonly drainMs?: number;
  readonly profile?: ModelProfile;
}

/** Serves `generator` as the bundled model. Disposing ends the server, not the generator. */
export async function serveGenerator(generator: Generator, options: ServeOptions = {}): Promise<ServedModel> {
  const scratch = await mkdtemp(join(tmpdir(), 'frameloom-served-'));
  const logged: ServedModel['logged'] = [];
  const server = await startModelServer({
    generator,
    profile: options.profile ?? (await tinyProfile()),
    keys: (options.keys ?? []).map((key) => ({
      tenant: 'test',
      sha256: createHash('sha256').update(key).digest('hex'),
    })),
    scratch,
    maxPixels: 2_000_000,
    host: '127.0.0.1',
    port: 0,
    log: (level, message, fields) => logged.push({ level, message, fields }),
    drainTimeoutMs: options.drainMs ?? 0,
  });
  return {
    url: `${server.url}/v1`,
    scratch,
    logged,
    close: server.close,
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

export async function tinyProfile(): Promise<ModelProfile> {
  return ModelProfile.parse(JSON.parse(await readFile(join(TINY, 'frameloom.json'), 'utf8')));
}
