/** Helm, with which tests render the chart. Without it those tests are skipped. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, report } from './commands.mjs';
import { buildWithGo } from './go.mjs';
import { firstWorking, fromEnvironment } from './tools.mjs';

const VERSION = 'v3.22.0';

export async function findHelm({ env, cache }) {
  const cached = join(cache, 'bin', 'helm');
  const candidates = () => [onPath(['helm'], env), existsSync(cached) ? cached : undefined];
  const found = fromEnvironment('helm', 'HELM_PATH', env) ?? firstWorking('helm', candidates());
  if (found !== undefined) return found;
  await buildWithGo(
    { env, cache, cached },
    {
      label: 'Helm',
      module: `helm.sh/helm/v3/cmd/helm@${VERSION}`,
      program: 'helm',
      announcement: 'building with Go, once, about 2 minutes',
    },
  );
  const built = firstWorking('helm', candidates());
  if (built === undefined) {
    report('helm was not found and cannot be built without Go: tests of the chart are skipped');
  }
  return built;
}
