/**
 * The record of found tools: `tools.json` in the cache. A recorded tool whose file has not changed is not asked for its
 * version again, which keeps a start with nothing missing quick.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function readRecord(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'tools.json'), 'utf8'));
  } catch {
    return {}; // no record yet, or one cut off by a crash: everything is looked for again
  }
}

export function writeRecord(folder, record) {
  mkdirSync(folder, { recursive: true });
  const temporary = join(folder, `tools.json.${process.pid}.tmp`);
  writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(temporary, join(folder, 'tools.json'));
}

/** An entry for the program at `path`. */
export function entryFor(path, version) {
  const { size, mtimeMs } = statSync(path);
  return { path, version, size, mtimeMs };
}

/** Whether `entry` still describes the file it names, and no other program was asked for by environment. */
export function isCurrent(entry, wanted) {
  if (entry === undefined || (wanted !== undefined && wanted !== entry.path)) return false;
  try {
    const { size, mtimeMs } = statSync(entry.path);
    return size === entry.size && mtimeMs === entry.mtimeMs;
  } catch {
    return false;
  }
}
