/** Where set-up keeps what it makes. Plain JavaScript, because it runs before any dependency is installed. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder for tools and their record, outside the work tree so that every clone shares it.
 * cli/find-tool.ts reads the record in the same folder.
 */
export function cacheFolder(env, platform = process.platform) {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'frameloom');
  const home = env.HOME || homedir();
  return platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'frameloom')
    : join(home, '.cache', 'frameloom');
}
