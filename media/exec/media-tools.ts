/** Finds ffmpeg and ffprobe. */
import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FrameloomError } from '../../core/errors.ts';
import { runProgram } from './process.ts';

/** The programs that decode videos, as paths or as names on PATH. */
export interface MediaTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

/**
 * Oldest major version with `-fps_mode`, which came with 5.1. Builds from git have other numbers and are
 * accepted.
 */
const OLDEST_MAJOR = 5;

/**
 * Finds ffmpeg: in the settings, else in the optional package `ffmpeg-static`, else on PATH. Finds ffprobe:
 * in the settings, else next to that ffmpeg, else on PATH. `version` is that of ffmpeg.
 *
 * @throws FrameloomError `unavailable`, with the name of the program that is missing, too old or does not run
 */
export async function findMediaTools(settings: {
  readonly ffmpeg?: string | undefined;
  readonly ffprobe?: string | undefined;
}): Promise<MediaTools & { readonly version: string }> {
  const ffmpeg = settings.ffmpeg ?? (await bundledFfmpeg()) ?? 'ffmpeg';
  const version = await versionOf('ffmpeg', ffmpeg, settings.ffmpeg !== undefined);
  const sibling = join(dirname(ffmpeg), 'ffprobe');
  const ffprobe =
    settings.ffprobe ?? (dirname(ffmpeg) !== '.' && (await isExecutable(sibling)) ? sibling : 'ffprobe');
  await versionOf('ffprobe', ffprobe, settings.ffprobe !== undefined);
  return { ffmpeg, ffprobe, version };
}

async function versionOf(name: 'ffmpeg' | 'ffprobe', path: string, chosen: boolean): Promise<string> {
  const advice = chosen
    ? `check ${name.toUpperCase()}_PATH`
    : `install ffmpeg 5.1 or later, or set ${name.toUpperCase()}_PATH`;
  const result = await runProgram(path, ['-version'], {
    timeLimitMs: 10_000,
    maxBytes: 65_536,
    keep: 'all',
  }).catch((cause: unknown) => {
    throw new FrameloomError('unavailable', `${name} was not found: ${advice}.`, { cause });
  });
  const version = /^ff\w+ version (\S+)/.exec(result.stdout)?.[1];
  if (result.code !== 0 || version === undefined) {
    throw new FrameloomError('unavailable', `${name} does not run: ${advice}.`);
  }
  const major = /^\d+/.exec(version)?.[0];
  if (major !== undefined && Number(major) < OLDEST_MAJOR) {
    throw new FrameloomError('unavailable', `${name} ${version} is too old: ${advice}.`);
  }
  return version;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function bundledFfmpeg(): Promise<string | undefined> {
  // Optional and without types: TypeScript would have to resolve a literal.
  const name: string = 'ffmpeg-static';
  const module: unknown = await import(name).catch(() => undefined);
  const path = z.object({ default: z.string() }).safeParse(module).data?.default;
  return path !== undefined && (await isExecutable(path)) ? path : undefined;
}
