import { describe, expect, it } from 'vitest';
import { classifyFiles, parseSourceUrl } from '../../web/shared/index.ts';
import { parseRoute } from '../../web/shared/route.ts';
import { VIDEO_ID } from './sample-jobs.ts';

const file = (name: string, type = '', content = 'x'): File => new File([content], name, { type });

describe('classifyFiles', () => {
  it.each([
    ['talk.MKV', '', 'video'],
    ['clip', 'video/mp4', 'video'],
    ['slides.pdf', '', 'deck'],
    ['talk.pptx', '', 'deck'],
    ['photo.JPG', '', 'images'],
    ['scan.tiff', '', 'images'],
  ])('classifies %s (%s) as %s', (name, type, kind) => {
    expect(classifyFiles([file(name, type)])).toMatchObject({ ok: true, kind });
  });

  it.each([
    [[]],
    [[file('empty.mp4', '', '')]],
    [[file('sound.mp3', 'audio/mpeg')]],
    [[file('a.mp4'), file('b.mp4')]],
    [[file('a.pdf'), file('b.png')]],
    [[file('talk.ppt')]],
    [[file('._photo.jpg')]],
  ])('rejects unsupported files', (files) => {
    expect(classifyFiles(files).ok).toBe(false);
  });
});

it('leaves out the files that an operating system added to a folder of photos', () => {
  const photos = ['._P2.jpg', 'P10.jpg', '.DS_Store', 'P2.jpg', 'Thumbs.db', 'desktop.ini'].map((name) =>
    file(name),
  );
  const found = classifyFiles(photos);
  expect(found.ok && found.files.map(({ name }) => name)).toEqual(['P2.jpg', 'P10.jpg']);
});

describe('parseSourceUrl', () => {
  it('guesses the kind from the path', () => {
    expect(parseSourceUrl(' https://a.example/x/talk.pdf?sig=1 ')?.kind).toBe('deck');
    expect(parseSourceUrl('https://a.example/p.webp')?.kind).toBe('images');
    expect(parseSourceUrl('https://a.example/watch')?.kind).toBe('video');
  });

  it.each(['', 'talk.mp4', 'file:///etc/passwd', 'javascript:alert(1)', 'https://'])('rejects %s', (text) => {
    expect(parseSourceUrl(text)).toBeUndefined();
  });
});

describe('parseRoute', () => {
  it('parses the routes of the console and nothing else', () => {
    expect(parseRoute(`#/jobs/${VIDEO_ID}/frames/12`)).toEqual({ page: 'job', id: VIDEO_ID, frame: 12 });
    expect(parseRoute(`#/jobs/${VIDEO_ID}`)).toEqual({ page: 'job', id: VIDEO_ID, frame: undefined });
    for (const hash of ['', '#/', '#/jobs/../x', '#/jobs/sum_short', `#/jobs/${VIDEO_ID}?x`]) {
      expect(parseRoute(hash)).toEqual({ page: 'home' });
    }
  });
});
