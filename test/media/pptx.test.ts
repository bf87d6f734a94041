/** Text of a PPTX, and packages that are rejected before anything is unpacked. */
import { execFile } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { FrameloomError } from '../../core/errors.ts';
import { detectMediaKind, openZip, type PptxSlide, readPptx } from '../../media/index.ts';
import { group, makePptx, type PptxSpec, table, textBox } from '../corpus/pptx.ts';
import { writeZip, type ZipPart } from '../corpus/zip-writer.ts';
import { temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
let made = 0;
const fresh = (suffix: string): string => join(folder, `${++made}${suffix}`);

async function slidesOf(spec: PptxSpec): Promise<readonly PptxSlide[]> {
  return (await readPptx(await makePptx(fresh('.pptx'), spec), 100)).slides;
}

async function zipped(parts: readonly ZipPart[], deflate = true): Promise<string> {
  const path = fresh('.zip');
  await writeZip(path, parts, { deflate });
  return path;
}

async function failure(work: Promise<unknown>): Promise<FrameloomError> {
  const error: unknown = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  return error as FrameloomError; // its code is what the test asks for
}

describe('readPptx', () => {
  it('returns title, text, notes, links and the hidden mark of each slide, in order', async () => {
    const slides = await slidesOf({
      slides: [
        { title: 'Opening & <aims>', body: ['one', 'two – zwei'], notes: 'Say hello.\nSmile.' },
        { title: 'Backup', hidden: true, link: 'https://example.com/?a=1&b=2' },
        {},
      ],
    });
    expect(slides.map(({ part: _, ...said }) => said)).toEqual([
      {
        title: 'Opening & <aims>',
        text: 'Opening & <aims>\none\ntwo – zwei',
        notes: 'Say hello.\nSmile.',
        alt: [],
        links: [],
        hidden: false,
        damaged: false,
      },
      {
        title: 'Backup',
        text: 'Backup',
        alt: [],
        links: ['https://example.com/?a=1&b=2'],
        hidden: true,
        damaged: false,
      },
      { text: '', alt: [], links: [], hidden: false, damaged: false },
    ]);
  });

  it('reads the title first, then rows from left to right, groups as a unit, tables by rows', async () => {
    const shapes = [
      table(
        [
          ['Q1', '10'],
          ['Q2', '12'],
        ],
        100,
        800,
      ),
      textBox('right', 700, 300),
      group([100, 500, 700, 100], textBox('second', 600, 500), textBox('first', 100, 500)),
      textBox('left', 100, 320),
    ];
    const [slide] = await slidesOf({ slides: [{ title: 'Order', shapes: shapes.join('') }] });
    expect(slide?.text.split('\n')).toEqual([
      'Order',
      'left',
      'right',
      'first',
      'second',
      'Q1\t10',
      'Q2\t12',
    ]);
  });

  it('keeps descriptions of images that are present, broken or linked', async () => {
    const slides = await slidesOf({
      slides: [
        { picture: { alt: 'A   red\nbox', data: Buffer.from('png') } },
        { picture: { alt: 'Gone' } },
        { picture: { alt: 'Far', url: 'http://127.0.0.1:9/x.png' } },
      ],
    });
    expect(slides.map(({ alt, damaged }) => [...alt, damaged])).toEqual([
      ['A red box', false],
      ['Gone', false],
      ['Far', false],
    ]);
  });

  it('keeps position, number and notes of a slide whose XML is broken or missing', async () => {
    const [first, second, third] = await slidesOf({
      slides: [
        { title: 'Good' },
        { xml: '<p:sld xmlns:p="x"><p:cSld>', notes: 'Still here.' },
        { title: 'Fine' },
      ],
    });
    expect([first?.title, second?.damaged, second?.notes, third?.title]).toEqual([
      'Good',
      true,
      'Still here.',
      'Fine',
    ]);
  });

  it('removes control, direction and private characters from text', async () => {
    const [slide] = await slidesOf({ slides: [{ title: 'a\u202eb\u0085c\ufffed', body: ['e\u2028f'] }] });
    expect(slide?.text).toBe('abcd\ne\nf');
  });

  it.each([
    ['no slides', 'no_pages', { slides: [] }],
    ['more slides than allowed', 'media_too_large', { slides: Array.from({ length: 101 }, () => ({})) }],
    [
      'an entity bomb',
      'unsupported_media',
      {
        slides: [
          { xml: `<!DOCTYPE x [<!ENTITY a "${'b'.repeat(99)}"><!ENTITY c "&a;&a;">]><p:sld>&c;</p:sld>` },
        ],
      },
    ],
    [
      'a list of slides that is broken',
      'media_truncated',
      { slides: [{}], parts: [{ name: 'ppt/presentation.xml', data: Buffer.from('<p:presentation') }] },
    ],
    [
      'something else in the place of the presentation',
      'unsupported_media',
      { slides: [{}], parts: [{ name: 'ppt/presentation.xml', data: Buffer.from('<html/>') }] },
    ],
  ] as const)('rejects %s: %s', async (_what, code, spec) => {
    expect((await failure(slidesOf(spec))).code).toBe(code);
  });

  it('finds files by names that differ in case', async () => {
    const path = await makePptx(fresh('.pptx'), { slides: [{ title: 'Same' }] });
    const bytes = await readFile(path);
    const name = Buffer.from('ppt/slides/slide1.xml');
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at))
      bytes.write('ppt/Slides/Slide1.XML', at);
    await writeFile(path, bytes);
    expect((await readPptx(path, 9)).slides[0]?.title).toBe('Same');
  });
});

describe('openZip', () => {
  const zeros = (megabytes: number): Buffer => Buffer.alloc(megabytes * 2 ** 20);

  it('rejects a package that unpacks to a thousand times its size', async () => {
    const error = await failure(openZip(await zipped([{ name: 'a', data: zeros(40) }])));
    expect(error.code).toBe('media_too_large');
  });

  it('rejects a package with too many files', async () => {
    const parts = Array.from({ length: 20_001 }, (_, index) => ({ name: String(index), data: Buffer.of() }));
    expect((await failure(openZip(await zipped(parts, false)))).code).toBe('media_too_large');
  });

  it('rejects a directory whose entries share their bytes', async () => {
    const path = await zipped([{ name: 'a', data: Buffer.alloc(60_000, 'xyz') }], false);
    const whole = await readFile(path);
    const start = whole.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
    const end = whole.indexOf(Buffer.from('PK\x05\x06', 'latin1'));
    const entry = whole.subarray(start, end);
    const tail = Buffer.from(whole.subarray(end));
    for (const at of [8, 10]) tail.writeUInt16LE(50, at);
    tail.writeUInt32LE(50 * entry.length, 12);
    await writeFile(path, Buffer.concat([whole.subarray(0, start), ...Array(50).fill(entry), tail]));
    expect((await failure(openZip(path))).code).toBe('media_too_large');
  });

  it.each(['../outside', '/etc/passwd', 'a/../../b', 'C:/x', '..\\outside'])(
    'rejects the name %s',
    async (name) => {
      expect((await failure(openZip(await zipped([{ name, data: Buffer.of(1) }])))).code).toBe(
        'media_truncated',
      );
    },
  );

  it('fails on a file that is longer than its directory entry', async () => {
    const path = await zipped([{ name: 'a', data: Buffer.alloc(10_000, 'abc') }]);
    const whole = await readFile(path);
    whole.writeUInt32LE(100, whole.indexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24);
    await writeFile(path, whole);
    using zip = await openZip(path);
    expect((await failure(zip.read('a', 1e6))).code).toBe('media_truncated');
  });

  /** The package of one file between other bytes; `offset` is added to where the directory is said to be. */
  async function surrounded(before: Buffer, after: Buffer, offset = 0): Promise<string> {
    const path = await zipped([{ name: 'a', data: Buffer.from('inside') }]);
    const whole = await readFile(path);
    whole.writeUInt32LE(whole.readUInt32LE(whole.length - 6) + offset, whole.length - 6);
    await writeFile(path, Buffer.concat([before, whole, after]));
    return path;
  }

  it.each([
    ['a byte after it', Buffer.of(), Buffer.of(0)],
    ['70,000 bytes after it', Buffer.of(), Buffer.alloc(70_000, 'x')],
    ['its signature after it', Buffer.of(), Buffer.from('PK\x05\x06'.padEnd(40), 'latin1')],
    ['bytes before it', Buffer.alloc(3001, '#'), Buffer.of()],
    ['bytes before and after it', Buffer.from('\r\n'), Buffer.from('\r\n')],
  ] as const)('reads a package with %s', async (_what, before, after) => {
    using zip = await openZip(await surrounded(before, after));
    expect((await zip.read('a', 100))?.toString()).toBe('inside');
  });

  it('reads a package whose comment is cut off', async () => {
    const path = await surrounded(Buffer.of(), Buffer.from('a comm'));
    const whole = await readFile(path);
    whole.writeUInt16LE(9, whole.length - 8);
    await writeFile(path, whole);
    using zip = await openZip(path);
    expect((await zip.read('a', 100))?.toString()).toBe('inside');
  });

  it('rejects a package whose directory is not where it says', async () => {
    const path = await surrounded(Buffer.of(), Buffer.of(), 7);
    expect((await failure(openZip(path))).code).toBe('media_truncated');
  });

  it('reads packages in which sizes follow the data, and those with 64-bit sizes', async () => {
    const script = `
import sys, zipfile, io
class Pipe(io.RawIOBase):
    def __init__(self, path): self.file = open(path, 'wb')
    def writable(self): return True
    def write(self, data): return self.file.write(data)
with zipfile.ZipFile(Pipe(sys.argv[1]), 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a', 'inside')
with zipfile.ZipFile(sys.argv[2], 'w') as z:
    with z.open('a', 'w', force_zip64=True) as f: f.write(b'inside')
`;
    const paths = [fresh('.zip'), fresh('.zip')];
    await promisify(execFile)('python3', ['-c', script, ...paths]);
    for (const path of paths) {
      using zip = await openZip(path);
      expect((await zip.read('a', 100))?.toString()).toBe('inside');
    }
  });

  it('rejects a package that is cut off', async () => {
    const path = await makePptx(fresh('.pptx'), { slides: [{ title: 'x' }] });
    const file = await open(path, 'r+');
    await file.truncate(2000);
    await file.close();
    expect((await failure(openZip(path))).code).toBe('media_truncated');
  });
});

describe('detectMediaKind of packages', () => {
  const text = (name: string, data: string): ZipPart => ({ name, data: Buffer.from(data) });

  it.each([
    ['ODP', /ODP.*PDF or PPTX/, [text('mimetype', 'application/vnd.oasis.opendocument.presentation')]],
    ['KEY', /Keynote.*PDF or PPTX/, [text('Index/Document.iwa', 'x')]],
    ['DOCX', /Word.*PDF or PPTX/, [text('word/document.xml', '<x/>')]],
    ['ZIP', /ZIP archive/, [text('a.txt', 'x')]],
  ] as const)('rejects %s by its content, with the next step', async (_what, message, parts) => {
    const error = await failure(detectMediaKind(await zipped(parts)));
    expect(error.code).toBe('unsupported_media');
    expect(error.message).toMatch(message);
  });

  it('recognizes a presentation after other bytes, and one whose file has another name', async () => {
    const behind = fresh('.bin');
    const deck = await readFile(await makePptx(fresh('.pptx'), { slides: [{}] }));
    await writeFile(behind, Buffer.concat([Buffer.from('\n'), deck]));
    const type = 'application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml';
    const renamed = await zipped([
      text('[Content_Types].xml', `<Types><Override ContentType="${type}"/></Types>`),
    ]);
    expect([await detectMediaKind(behind), await detectMediaKind(renamed)]).toEqual(['pptx', 'pptx']);
  });

  it('distinguishes a PPTX with a password from a legacy PPT', async () => {
    const document = (stream: string): Buffer => {
      const bytes = Buffer.alloc(1536);
      bytes.write('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 0, 'latin1');
      bytes.writeUInt16LE(9, 30); // sectors of 512 bytes
      bytes.writeUInt32LE(1, 48); // the directory is in the second one
      bytes.write(stream, 1024, 'utf16le');
      return bytes;
    };
    const [locked, old] = [fresh('.pptx'), fresh('.ppt')];
    await writeFile(locked, document('EncryptedPackage'));
    await writeFile(old, document('PowerPoint Document'));
    expect((await failure(detectMediaKind(locked))).code).toBe('encrypted_media');
    expect((await failure(detectMediaKind(old))).code).toBe('unsupported_media');
  });
});
