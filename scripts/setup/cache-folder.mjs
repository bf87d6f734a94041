/** The cache of set-up. Plain JavaScript, because it runs before any dependency is installed. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder of installed tools and of their record. It is outside the work tree, because all clones share it.
 * cli/find-tool.ts finds the record by the same rule.
 */
export function cacheFolder(env, platform = process.platform) {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'frameloom');
  const home = env.HOME || homedir();
  return platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'frameloom')
    : join(home, '.cache', 'frameloom');
}
