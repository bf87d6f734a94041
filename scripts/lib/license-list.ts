/** The licences of all packages that an installation of the package can bring, for docs/licenses.md. */

/** The members of package-lock.json that are read. */
export interface LockFile {
  readonly packages: Readonly<Record<string, { readonly license?: string; readonly dev?: boolean }>>;
}

/** Licences that packages do not declare in package.json, from their license files. */
const UNDECLARED: readonly (readonly [RegExp, string])[] = [
  [/^unionfs$/, 'Unlicense'],
  [/^parse-cache-control$/, 'BSD-3-Clause'],
  [/^@swc\/core-/, 'Apache-2.0 AND MIT'],
];

/** A Markdown table: each licence with the production packages under it, in order of the alphabet. */
export function licenseTable({ packages }: LockFile): string {
  const byLicense = new Map<string, Set<string>>();
  for (const [path, { license, dev = false }] of Object.entries(packages)) {
    const name = path.split('node_modules/').at(-1) ?? '';
    if (name === '' || dev) continue;
    const known = license ?? UNDECLARED.find(([pattern]) => pattern.test(name))?.[1];
    if (known === undefined) throw new Error(`${name} declares no license: look it up`);
    byLicense.set(known, (byLicense.get(known) ?? new Set()).add(name));
  }
  const rows = [...byLicense]
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([license, names]) => `| ${license} | ${[...names].sort().join(', ')} |`);
  return ['| license | packages |', '|---|---|', ...rows].join('\n');
}
