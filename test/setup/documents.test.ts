import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { costTable, EXAMPLE_PRICES, modelSeconds } from '../../bench/costs/video-costs.ts';
import { packageRoot } from '../../cli/package-root.ts';
import { type LockFile, licenseTable } from '../../scripts/lib/license-list.ts';
import { settingsDocument } from '../../scripts/lib/settings-doc.ts';

const read = (path: string): string => readFileSync(join(packageRoot(), path), 'utf8');

interface PackageJson {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}
const manifest = JSON.parse(read('package.json')) as PackageJson; // our own
const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };

describe('docs/settings.md', () => {
  it('is what `npm run docs:settings` writes', () => {
    expect(read('docs/settings.md')).toBe(settingsDocument());
  });
});

describe('the costs of docs/deploy.md', () => {
  it('follow from the formula on the same page', () => {
    expect(read('docs/deploy.md')).toContain(costTable());
    // By hand: 6 segments of 0.2 + 0.7 + 160 × 6.02 ms, and a summary of 0.7 s + 500 × 6.02 ms.
    expect(modelSeconds(30, 'gpu')).toBeCloseTo(6 * 1.864 + 3.712, 1);
    // 314 segments, 15 sections and a summary.
    expect(modelSeconds(1566, 'cpu')).toBeCloseTo(314 * 304.2 + 16 * 372, 0);
    // Ten times the price of the GPU is ten times the costs where the rest is free.
    const total = (gpu: number): number => Number(/\*\*([\d.]+) \$/.exec(costTable({ gpu, cpu: 0 }))?.[1]);
    expect(total(10 * EXAMPLE_PRICES.gpu) / total(EXAMPLE_PRICES.gpu)).toBeCloseTo(10, 0);
  });
});

describe('docs/dependencies.md', () => {
  it('names all and only the packages of package.json, each with a reason', () => {
    const [, reasons = ''] = /## At run time([\s\S]*)## Tools that/.exec(read('docs/dependencies.md')) ?? [];
    const rows = [...reasons.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)];
    expect(rows.map(([, name]) => name).sort()).toEqual(Object.keys(all).sort());
    for (const [, , reason] of rows) expect(reason?.length).toBeGreaterThan(10);
  });
});

describe('docs/licenses.md', () => {
  const lock = JSON.parse(read('package-lock.json')) as LockFile; // npm's

  it('lists the license of every package that an installation can bring', () => {
    expect(read('docs/licenses.md')).toContain(licenseTable(lock));
  });

  it('lists the license of every model that is fetched', () => {
    for (const folder of readdirSync(join(packageRoot(), 'models')))
      expect(read('docs/licenses.md')).toContain(folder);
  });
});

describe('package.json', () => {
  it('exports declarations with every entry point', () => {
    const { exports: entries } = JSON.parse(read('package.json')) as {
      exports: Record<string, string | { types: string; default: string }>; // our own
    };
    expect(Object.keys(entries)).toEqual(['.', './client', './schema', './package.json']);
    for (const entry of Object.values(entries)) {
      if (typeof entry === 'object') expect(entry.types).toBe(entry.default.replace(/js$/, 'd.ts'));
    }
  });

  it('pins every package to one version', () => {
    for (const version of Object.values(all)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('has all packages of Temporal in one version', () => {
    const versions = Object.entries(all).filter(([name]) => name.startsWith('@temporalio/'));
    expect(versions.length).toBeGreaterThan(3);
    expect(new Set(versions.map(([, version]) => version)).size).toBe(1);
  });

  it('installs one copy of protobufjs 8, the one Temporal uses', () => {
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string }> }; // npm's
    const copies = Object.entries(lock.packages).filter(
      ([path, { version }]) => path.endsWith('node_modules/protobufjs') && version?.startsWith('8.'),
    );
    expect(copies.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
    const temporal = Object.entries(lock.packages).filter(([path]) =>
      path.startsWith('node_modules/@temporalio/'),
    );
    expect(new Set(temporal.map(([, { version }]) => version)).size).toBe(1);
  });

  it('locks the packages of every platform, without which `npm ci` rejects the lock file', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>; // npm's
    };
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe('the pages of the documentation', () => {
  const topLevel = readdirSync(packageRoot(), { withFileTypes: true });
  const pages = [
    ...topLevel.map(({ name }) => name),
    ...readdirSync(join(packageRoot(), 'docs')).map((name) => `docs/${name}`),
  ].filter((name) => name.endsWith('.md'));
  const folders = new Set(topLevel.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])));
  folders.delete('dist'); // built, so absent in a checkout
  const exists = (path: string): boolean => existsSync(join(packageRoot(), path));

  it.each(pages)('%s: relative links lead to an existing file and heading', (page) => {
    const broken = [...read(page).matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(
      ([, link = '', anchor]) => {
        const target = link === '' ? page : join(dirname(page), link);
        return !exists(target) || (anchor !== undefined && !anchorsOf(target).has(anchor));
      },
    );
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it.each(pages)('%s: paths of the repository exist', (page) => {
    const missing = [...read(page).matchAll(/(?<![\w./:*-])([a-z][\w.-]*)\/[\w./-]*\w\/?/g)].filter(
      ([path, folder = '']) =>
        folders.has(folder) && !/\b(NAME|ROLE|SUBJECT)\b|\.env$/.test(path) && !exists(path),
    );
    expect(missing.map(([path]) => path)).toEqual([]);
  });

  /** Anchors of the headings of a page, as GitHub derives them. */
  function anchorsOf(page: string): ReadonlySet<string> {
    const headings = [...read(page).matchAll(/^#+ (.+)$/gm)];
    const anchor = (heading: string): string =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
    return new Set(headings.map(([, heading = '']) => anchor(heading)));
  }
});
