/** `npm run docs:settings`: writes docs/settings.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../cli/package-root.ts';
import { settingsDocument } from './lib/settings-doc.ts';

writeFileSync(join(packageRoot(), 'docs', 'settings.md'), settingsDocument());
