/** ffmpeg, ffprobe and Chromium: found, or installed where that is possible without asking. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { answer, aptInstall, hasApt, onPath, SetupError } from './commands.mjs';
import { entryFor } from './record.mjs';

/** ffmpeg before this lacks an option that decoding needs (media/exec/media-tools.ts); builds from git number differently. */
const OLDEST_FFMPEG = 5;

/** The version a program tells, or undefined where it is not that program or too old. */
export function versionOf(kind, path) {
  if (kind === 'temporal') return answer(path, ['--version'])?.match(/version (\S+.*\))/)?.[1];
  if (kind === 'versitygw') return answer(path, ['--version'])?.match(/^Version\s*: (\S+)/m)?.[1];
  if (kind === 'helm') return answer(path, ['version', '--short'])?.match(/^(v3\.\S+)/m)?.[1];
  if (kind === 'chromium') return answer(path, ['--version'])?.match(/(\d+\.\d[\d.]*)/)?.[1];
  const version = answer(path, ['-version'])?.match(new RegExp(`^${kind} version (\\S+)`))?.[1];
  return /^\d+/.test(version ?? '') && Number.parseInt(version, 10) < OLDEST_FFMPEG ? undefined : version;
}

/** The first of `candidates` that answers its version, as an entry of the record. */
export function firstThatAnswers(kind, candidates) {
  for (const path of candidates) {
    if (path === undefined) continue;
    const version = versionOf(kind, path);
    if (version !== undefined) return entryFor(path, version);
  }
  return undefined;
}

/** A program that the environment names must work: falling back would hide a typing error. */
export function given(kind, variable, env) {
  const path = env[variable];
  if (!path) return undefined;
  const found = firstThatAnswers(kind, [path]);
  if (found === undefined) throw new SetupError(`${variable} does not name a working ${kind}.`);
  return found;
}

function ffmpegStatic(root) {
  try {
    const path = createRequire(join(root, 'package.json'))('ffmpeg-static');
    return typeof path === 'string' && existsSync(path) ? path : undefined;
  } catch {
    return undefined; // an optional dependency: its download may have failed
  }
}

const INSTALL_FFMPEG =
  'Install it (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg), or set FFMPEG_PATH and FFPROBE_PATH.';

export async function findFfmpeg({ root, env }) {
  const find = () =>
    given('ffmpeg', 'FFMPEG_PATH', env) ??
    firstThatAnswers('ffmpeg', [ffmpegStatic(root), onPath(['ffmpeg'], env)]);
  const found = find();
  if (found !== undefined) return found;
  if (hasApt(env) && (await aptInstall('ffmpeg', 'about 30 s', env))) {
    const installed = find();
    if (installed !== undefined) return installed;
  }
  throw new SetupError(`ffmpeg was not found. ${INSTALL_FFMPEG}`);
}

export async function findFfprobe({ env }) {
  const beside = env.FFMPEG_PATH ? join(dirname(env.FFMPEG_PATH), 'ffprobe') : undefined;
  const find = () =>
    given('ffprobe', 'FFPROBE_PATH', env) ?? firstThatAnswers('ffprobe', [beside, onPath(['ffprobe'], env)]);
  const found = find();
  if (found !== undefined) return found;
  if (hasApt(env) && (await aptInstall('ffmpeg', 'about 30 s', env))) {
    const installed = find();
    if (installed !== undefined) return installed;
  }
  throw new SetupError(`ffprobe, which comes with ffmpeg, was not found. ${INSTALL_FFMPEG}`);
}

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

export async function findChromium({ env }) {
  const find = () =>
    given('chromium', 'CHROMIUM_PATH', env) ??
    firstThatAnswers('chromium', [
      onPath(CHROMIUM_NAMES, env),
      existsSync(MAC_CHROME) ? MAC_CHROME : undefined,
    ]);
  const found = find();
  if (found !== undefined) return found;
  if (hasApt(env) && (await aptInstall('chromium', 'about a minute', env))) {
    const installed = find();
    if (installed !== undefined) return installed;
  }
  throw new SetupError(
    'Chromium, in which the console is tested, was not found. Install it (Debian, Ubuntu: apt-get install chromium; ' +
      'macOS: brew install --cask chromium), or set CHROMIUM_PATH to a Chromium or Chrome.',
  );
}
