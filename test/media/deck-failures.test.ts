/** Pages of a PDF that cannot be read completely: what is left of them, and what is said. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openDeck, type RgbImage } from '../../media/index.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { LIMITS } from './clips.ts';
import { pdfOf, stream } from './raw-pdf.ts';

/** A page of 600 by 300 points that shows `operators`; `objects` are numbered from 5. */
function page(operators: string, resources: string, objects: readonly string[] = []): Buffer {
  return pdfOf([
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    `<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 300]/Resources<<${resources}>>/Contents 4 0 R>>`,
    stream(operators),
    ...objects,
  ]);
}

function darkPixels({ data }: RgbImage): number {
  let dark = 0;
  for (let at = 0; at < data.length; at += 3) if ((data[at] ?? 255) < 128) dark += 1;
  return dark;
}

/** A font of a collection that is not in the PDF, with its codes as UTF-16. */
const collection = (base: string, ordering: string, encoding: string): readonly string[] => [
  `<</Type/Font/Subtype/Type0/BaseFont/${base}/Encoding/${encoding}/DescendantFonts[6 0 R]>>`,
  `<</Type/Font/Subtype/CIDFontType0/BaseFont/${base}/DW 1000/FontDescriptor 7 0 R
/CIDSystemInfo<</Registry(Adobe)/Ordering(${ordering})/Supplement 4>>>>`,
  `<</Type/FontDescriptor/FontName/${base}/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 800
/Descent -200/CapHeight 700/StemV 80>>`,
];
/** A font that is not in the PDF, whose codes mean what its character map, object 8, says. */
const identityFont = (base: string): readonly string[] => [
  `<</Type/Font/Subtype/Type0/BaseFont/${base}/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 8 0 R>>`,
  `<</Type/Font/Subtype/CIDFontType2/BaseFont/${base}/DW 1000/FontDescriptor 7 0 R
/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>`,
  `<</Type/FontDescriptor/FontName/${base}/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 800
/Descent -200/CapHeight 700/StemV 80>>`,
];
const utf16 = (text: string): string =>
  [...text].map((char) => (char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')).join('');

describe('a font that is not in the PDF', () => {
  it.each([
    ['Japanese', 'KozMinPr6N-Regular', 'Japan1', 'UniJIS-UCS2-H', '駅前の桜'],
    ['simplified Chinese', 'AdobeSongStd-Light', 'GB1', 'UniGB-UCS2-H', '火车时刻表'],
    ['traditional Chinese', 'AdobeMingStd-Light', 'CNS1', 'UniCNS-UCS2-H', '臺灣鐵路'],
    ['Korean', 'AdobeMyungjoStd-Medium', 'Korea1', 'UniKS-UCS2-H', '서울역'],
  ])('of %s is replaced: every character is drawn', async (_name, base, ordering, encoding, text) => {
    const show = `BT /F 60 Tf 20 100 Td <${utf16(text)}> Tj ET`;
    using deck = await openDeck(
      page(show, '/Font<</F 5 0 R>>', collection(base, ordering, encoding)),
      LIMITS,
    );
    expect((await deck.text(1)).text).toBe(text);
    const { image, missingFonts } = await deck.image(1, { maxSide: 600 });
    expect(missingFonts).toEqual([]);
    for (const index of [...text].keys()) {
      const left = 20 + 60 * index;
      let dark = 0;
      for (let y = 130; y < 215; y++)
        for (let x = left; x < left + 60; x++) if ((image.data[(y * 600 + x) * 3] ?? 255) < 128) dark += 1;
      expect(dark).toBeGreaterThan(100);
    }
  });

  it.each([
    ['ArialMT', 'Привет', 'Cyrillic'],
    ['TimesNewRomanPS-BoldMT', 'שלום', 'Hebrew'],
    ['Verdana', 'Ωμέγα', 'Greek'],
  ])('%s with %s is replaced where its own substitute has no %s', async (base, text) => {
    const codes = [...text].map((_, index) => `${index + 1}`.padStart(4, '0'));
    const lines = [...text].map((char, index) => `<${codes[index]}> <${utf16(char)}>`).join('\n');
    const cmap = `/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <ffff>
endcodespacerange ${codes.length} beginbfchar ${lines} endbfchar endcmap end`;
    const fonts = [...identityFont(base), stream(cmap)];
    const show = `BT /F 60 Tf 20 100 Td <${codes.join('')}> Tj ET`;
    using deck = await openDeck(page(show, '/Font<</F 5 0 R>>', fonts), LIMITS);
    const { image, missingFonts } = await deck.image(1, { maxSide: 600 });
    expect([missingFonts, darkPixels(image) > 100 * text.length]).toEqual([[], true]);
  });

  it('and has characters that nothing can draw is named, and its text is read', async () => {
    const show = 'BT /F 40 Tf 20 100 Td <00610062> Tj ET';
    const cmap = `/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange
2 beginbfchar <0061> <D840DC00> <0062> <D840DC0B> endbfchar endcmap end`;
    const fonts = [...identityFont('NoSuchFont'), stream(cmap)];
    using deck = await openDeck(page(show, '/Font<</F 5 0 R>>', fonts), LIMITS);
    expect((await deck.text(1)).text).toContain('𠀀𠀋');
    expect((await deck.image(1, { maxSide: 600 })).missingFonts).toEqual(['NoSuchFont']);
  });

  it('is not missed where its text is invisible, as over a scan', async () => {
    const show = `0.5 g 0 0 600 300 re f BT 3 Tr /F 60 Tf 20 100 Td <${utf16('駅前')}> Tj ET`;
    const font = collection('KozMinPr6N-Regular', 'Japan1', 'UniJIS-UCS2-H');
    using deck = await openDeck(page(show, '/Font<</F 5 0 R>>', font), LIMITS);
    expect((await deck.image(1, { maxSide: 600 })).missingFonts).toEqual([]);
  });
});

describe('text and image of a page', () => {
  it.each(['D83D', 'F0A8A780', 'FFFFFFFF', '00110000'])(
    'are both read where a font maps a code to %s, which is no character',
    async (code) => {
      const fonts = [
        '<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>',
        stream(`/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange
1 beginbfchar <42> <${code}> endbfchar endcmap end`),
      ];
      using deck = await openDeck(
        page('BT /F 60 Tf 20 100 Td (ABC) Tj ET', '/Font<</F 5 0 R>>', fonts),
        LIMITS,
      );
      expect((await deck.text(1)).text).toMatch(/^A.*C$/u);
      expect(darkPixels((await deck.image(1, { maxSide: 600 })).image)).toBeGreaterThan(500);
    },
  );

  it('fail separately: a page that is never finished keeps its text, and the next request is served', async () => {
    using deck = await openDeck(selfPaintingPage(), LIMITS);
    await expect(deck.image(1, { timeLimitMs: 1500 })).rejects.toMatchObject({
      code: 'render_time_exceeded',
      message: 'Page 1 of the PDF was not read within 1.5 s.',
    });
    expect((await deck.text(1)).text).toBe('words beside the pattern');
  });
});

/** A pattern that is filled with itself. */
function selfPaintingPage(): Buffer {
  return page(
    'BT /F 20 Tf 20 20 Td (words beside the pattern) Tj ET /Pattern cs /P scn 0 100 600 200 re f',
    '/Font<</F 5 0 R>>/Pattern<</P 6 0 R>>',
    [
      '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
      stream(
        '/Pattern cs /P scn 0 0 100 100 re f',
        '/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 100 100]/XStep 1/YStep 1/Resources<</Pattern<</P 6 0 R>>>>',
      ),
    ],
  );
}

it('a JBIG2 image with a reference pixel of its own is drawn', async () => {
  // 32 by 16 pixels whose left half is black: a generic region of template 1, its adaptive pixel at (6, -2)
  const image =
    '000000003000010000001300000020000000100000000000000000000000000000012600010000002000000020000000100000000000000000000206fefda7b6e703068f1fff7fffac';
  const show = 'q 600 0 0 300 0 0 cm /I Do Q';
  const object = stream(
    `${image}>`,
    '/Type/XObject/Subtype/Image/Width 32/Height 16/BitsPerComponent 1/ColorSpace/DeviceGray/Filter[/ASCIIHexDecode/JBIG2Decode]',
  );
  using deck = await openDeck(page(show, '/XObject<</I 5 0 R>>', [object]), LIMITS);
  const { image: drawn } = await deck.image(1, { maxSide: 600 });
  const level = (x: number, y: number): number | undefined => drawn.data[(y * 600 + x) * 3];
  expect([level(150, 150), level(280, 20), level(320, 280), level(450, 150)]).toEqual([0, 0, 255, 255]);
});

describe('the pages that were reported', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it('are drawn with the characters of fonts that are not embedded', async () => {
    using deck = await openDeck(casePath('decks/p2-cjk-not-embedded.pdf'), LIMITS);
    expect((await deck.text(1)).text).toBe('日本語の題名\n中文标题');
    const { image, missingFonts } = await deck.image(1);
    expect([darkPixels(image) > 2000, missingFonts]).toEqual([true, []]);
  });

  it('are drawn and read in spite of a code that is no character', async () => {
    using deck = await openDeck(casePath('decks/no-such-character.pdf'), LIMITS);
    expect((await deck.text(1)).text).toBe('A\ufffdA\nOther words');
    expect(darkPixels((await deck.image(1)).image)).toBeGreaterThan(2000);
  });
});
