/**
 * The record of found tools: `tools.json` in the cache. The version of a recorded tool is not checked again while its file
 * is unchanged, because running all tools would delay every start.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function readRecord(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'tools.json'), 'utf8'));
  } catch {
    return {}; // no record yet, or one truncated by a crash: all tools are searched for again
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

/** Whether the file of `entry` is unchanged and `wanted`, a path from the environment, names no other program. */
export function isCurrent(entry, wanted) {
  if (entry === undefined || (wanted !== undefined && wanted !== entry.path)) return false;
  try {
    const { size, mtimeMs } = statSync(entry.path);
    return size === entry.size && mtimeMs === entry.mtimeMs;
  } catch {
    return false;
  }
}
