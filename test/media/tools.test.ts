import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findMediaTools } from '../../media/index.ts';
import { temporaryFolder } from './clips.ts';

const folder = temporaryFolder();

async function program(name: string, ...lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return path;
}

describe('findMediaTools', () => {
  it('finds the installed programs, with the version', async () => {
    const tools = await findMediaTools({});
    expect(tools.version).toMatch(/\d/);
  });

  it('uses the programs of the settings', async () => {
    const ffmpeg = await program('mine/ffmpeg', 'echo "ffmpeg version 6.1-mine Copyright"');
    const ffprobe = await program('other/ffprobe', 'echo "ffprobe version 6.1-mine Copyright"');
    expect(await findMediaTools({ ffmpeg, ffprobe })).toEqual({ ffmpeg, ffprobe, version: '6.1-mine' });
  });

  it('uses the ffprobe next to ffmpeg', async () => {
    const ffmpeg = await program('pair/ffmpeg', 'echo "ffmpeg version 7.0 Copyright"');
    await program('pair/ffprobe', 'echo "ffprobe version 7.0 Copyright"');
    expect((await findMediaTools({ ffmpeg })).ffprobe).toBe(join(folder, 'pair', 'ffprobe'));
  });

  it.each<readonly [what: string, path: () => Promise<string>]>([
    ['is not there', async () => join(folder, 'absent')],
    [
      'is a dangling link',
      async () => {
        await symlink(join(folder, 'nowhere'), join(folder, 'dangling'));
        return join(folder, 'dangling');
      },
    ],
    ['fails', () => program('failing/ffmpeg', 'exit 1')],
    ['is something else', () => program('else/ffmpeg', 'echo hello')],
    ['is too old', () => program('old/ffmpeg', 'echo "ffmpeg version 4.4.1 Copyright"')],
  ])('names the setting to check when the program %s', async (_what, path) => {
    const ffmpeg = await path();
    await expect(findMediaTools({ ffmpeg })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^ffmpeg .*FFMPEG_PATH/),
    });
  });
});
