/** Helm, which renders the chart in the tests. Without it those tests are skipped. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, say } from './commands.mjs';
import { buildWithGo } from './go.mjs';
import { firstThatAnswers, given } from './tools.mjs';

const VERSION = 'v3.22.0';

export async function findHelm({ env, cache }) {
  const cached = join(cache, 'bin', 'helm');
  const candidates = () => [onPath(['helm'], env), existsSync(cached) ? cached : undefined];
  const found = given('helm', 'HELM_PATH', env) ?? firstThatAnswers('helm', candidates());
  if (found !== undefined) return found;
  await buildWithGo(
    { env, cache, cached },
    {
      label: 'Helm',
      module: `helm.sh/helm/v3/cmd/helm@${VERSION}`,
      program: 'helm',
      announcement: 'building what renders the chart in the tests, with Go, once, about 2 minutes',
    },
  );
  const built = firstThatAnswers('helm', candidates());
  if (built === undefined) {
    say('helm was not found, and cannot be built without Go: the tests of the chart are skipped.');
  }
  return built;
}
