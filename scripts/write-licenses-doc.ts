/** Writes the table of npm packages in docs/licenses.md: `npm run docs:licenses`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../cli/package-root.ts';
import { type LockFile, licenseTable } from './lib/license-list.ts';

const page = join(packageRoot(), 'docs', 'licenses.md');
// written by npm
const lock = JSON.parse(readFileSync(join(packageRoot(), 'package-lock.json'), 'utf8')) as LockFile;
const table = `<!-- licenses -->\n${licenseTable(lock)}\n<!-- /licenses -->`;
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(/<!-- licenses -->[\s\S]*<!-- \/licenses -->/, () => table),
);
