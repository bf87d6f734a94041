/** Equations, charts and titles of presentations as text. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readPptx } from '../../media/index.ts';
import { makePptx, type PptxSpec, textBox } from '../corpus/pptx.ts';
import { chartXml, equationBox, newChartXml, mathRun as r } from '../corpus/pptx-graphics.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
let made = 0;

async function textsOf(spec: PptxSpec): Promise<readonly string[]> {
  made += 1;
  const { slides } = await readPptx(await makePptx(join(folder, `${made}.pptx`), spec), 100);
  return slides.map(({ text }) => text);
}

const sup = (base: string, exponent: string): string => `<sSup><e>${base}</e><sup>${exponent}</sup></sSup>`;
const sub = (base: string, index: string): string => `<sSub><e>${base}</e><sub>${index}</sub></sSub>`;

it('an equation is read once, on one line, between the words around it', async () => {
  const equations = [
    [`${r('F')}${r('=')}${r('m')}${sup(r('v'), r('3'))}`, 'F=mv3'],
    [`${r('𝐸')}${r('=ℎ')}${r('𝜈')}`, 'E=hν'],
    [sup(r('10'), r('6')), '10^6'],
    [sup(r('e'), r('x+1')), 'e^(x+1)'],
    [`<f><num>${r('a+b')}</num><den>${r('2')}</den></f>`, '(a+b)/2'],
    [`<f><fPr><type val="noBar"/></fPr><num>${r('n')}</num><den>${r('k')}</den></f>`, 'binom(n, k)'],
    [`<sSubSup><e>${r('x')}</e><sub>${r('i')}</sub><sup>${r('2')}</sup></sSubSup>`, 'x_i^2'],
    [`<rad><deg/><e>${r('x+1')}</e></rad>`, '√(x+1)'],
    [`<rad><deg>${r('5')}</deg><e>${r('x')}</e></rad>`, 'root(5, x)'],
    [
      `<nary><naryPr><chr val="∑"/></naryPr><sub>${r('i=1')}</sub><sup>${r('n')}</sup><e>${sub(r('a'), r('i'))}</e></nary>`,
      '∑_(i=1)^n a_i',
    ],
    [`<nary><sub/><sup/><e>${r('f dx')}</e></nary>`, '∫ f dx'],
    [
      `<d><dPr><begChr val="["/><endChr val="]"/></dPr><e><m><mr><e>${r('1')}</e><e>${r('0')}</e></mr><mr><e>${r('0')}</e><e>${r('1')}</e></mr></m></e></d>`,
      '[1, 0; 0, 1]',
    ],
    [`<d><dPr><endChr val=""/></dPr><e>${r('a')}</e><e>${r('b')}</e></d>`, '(a|b'],
    [
      `<func><fName><limLow><e>${r('lim')}</e><lim>${r('x→0')}</lim></limLow></fName><e>${r('x')}</e></func>`,
      'lim_(x→0) x',
    ],
    [`<acc><accPr><chr val="\u20d7"/></accPr><e>${r('v')}</e></acc>`, 'v\u20d7'],
    [`<borderBox><e>${r('p')}</e></borderBox>`, 'p'],
  ] as const;
  const texts = await textsOf({
    slides: equations.map(([equation]) => ({ shapes: equationBox('so ', equation, ' holds') })),
  });
  expect(texts).toEqual(equations.map(([, text]) => `so ${text} holds`));
});

it('of alternatives only the first that says anything is read', async () => {
  const alternate = (...branches: readonly string[]): string =>
    `<mc:AlternateContent xmlns:mc="x">${branches.map((branch, at) => `<mc:${at === branches.length - 1 ? 'Fallback' : `Choice Requires="p${at}"`}>${branch}</mc:${at === branches.length - 1 ? 'Fallback' : 'Choice'}>`).join('')}</mc:AlternateContent>`;
  const texts = await textsOf({
    slides: [
      { shapes: alternate(textBox('new', 0, 0), textBox('newer', 0, 0), textBox('old', 0, 0)) },
      { shapes: alternate('<p:contentPart/>', textBox('old', 0, 0)) },
    ],
  });
  expect(texts).toEqual(['new', 'old']);
});

it('a chart is read with its title, axes, series, categories and values', async () => {
  const texts = await textsOf({
    slides: [
      {
        title: 'Sales',
        charts: [
          {
            xml: chartXml({
              title: 'Units by city',
              axes: ['City', 'Units'],
              categories: ['Oslo', 'Lima'],
              series: [
                { name: 'Plan', values: [12, 7.25] },
                { name: 'Fact', values: [11.5, '4.2999999999999998'] },
              ],
            }),
          },
        ],
      },
      {
        charts: [
          {
            xml: chartXml({
              title: 'Share',
              categories: ['45292', '45657'],
              categoryFormat: 'd/m/yyyy',
              format: '0.0%',
              series: [{ name: 'Ours', values: [0.125, 0.3] }],
            }),
          },
          { xml: newChartXml('Cash', 'Flow', ['In', 'Out'], [30, -12]), isNew: true },
        ],
      },
    ],
  });
  expect(texts).toEqual([
    'Sales\nChart: Units by city\nAxes: City, Units\nPlan: Oslo 12, Lima 7.25\nFact: Oslo 11.5, Lima 4.3',
    // Day 45,292 of a worksheet is 1 January 2024.
    'Chart: Share\nOurs: 2024-01-01 12.5%, 2024-12-31 30%\nChart: Cash\nFlow: In 30, Out -12',
  ]);
});

it('coordinates, levels of categories and points without a value keep their places', async () => {
  const cache = (values: readonly (readonly [number, string | number])[]): string =>
    values.map(([index, value]) => `<c:pt idx="${index}"><c:v>${value}</c:v></c:pt>`).join('');
  const numbers = (values: readonly (readonly [number, string | number])[]): string =>
    `<c:numLit><c:formatCode>General</c:formatCode>${cache(values)}</c:numLit>`;
  const chart = (plot: string): { xml: string } => ({
    xml: `<c:chartSpace xmlns:c="c"><c:chart><c:plotArea>${plot}</c:plotArea></c:chart></c:chartSpace>`,
  });
  const levels = [
    [
      [0, 'Q1'],
      [1, 'Q2'],
      [2, 'Q1'],
    ],
    [
      [0, '2023'],
      [2, '2024'],
    ],
  ] as const;
  const texts = await textsOf({
    slides: [
      {
        charts: [
          chart(
            `<c:bubbleChart><c:ser><c:tx><c:v>Dots</c:v></c:tx><c:xVal>${numbers([
              [0, 1],
              [1, 2],
            ])}</c:xVal><c:yVal>${numbers([
              [0, 5],
              [1, 6],
            ])}</c:yVal><c:bubbleSize>${numbers([
              [0, 9],
              [1, 8],
            ])}</c:bubbleSize></c:ser></c:bubbleChart>`,
          ),
          chart(
            `<c:lineChart><c:ser><c:cat><c:multiLvlStrRef><c:multiLvlStrCache>${levels.map((level) => `<c:lvl>${cache(level)}</c:lvl>`).join('')}</c:multiLvlStrCache></c:multiLvlStrRef></c:cat><c:val>${numbers(
              [
                [0, 3],
                [2, 4],
              ],
            )}</c:val></c:ser></c:lineChart>`,
          ),
        ],
      },
    ],
  });
  expect(texts[0]?.split('\n')).toEqual([
    'Chart',
    'Dots: (1, 5, 9), (2, 6, 8)',
    'Chart',
    'Series 1: 2023 Q1 3, 2023 Q2, 2024 Q1 4',
  ]);
});

it.each([
  ['Quokka habitats in 1987', 'Quokka habitats in 1987'],
  ['PowerPoint Presentation', undefined],
  ['Präsentation1', undefined],
  ['Slide 1', undefined],
  [' ', undefined],
])('the title of the document properties %j is %j', async (title, expected) => {
  const path = await makePptx(join(folder, `title${++made}.pptx`), { title, slides: [{ body: ['x'] }] });
  expect((await readPptx(path, 9)).title).toBe(expected);
});

describe('the files that failed', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it('d1-words.pptx has its equation and its chart among the words', async () => {
    const { slides } = await readPptx(casePath('decks/d1-words.pptx'), 9);
    expect(slides[1]?.text).toBe('Energy\nThe famous formula E=mc2 holds');
    expect(slides[2]?.text.split('\n')).toEqual([
      'Revenue',
      'Chart: Sales by region',
      'Sales 2024: North 17.5, South 42.25, West 8.0',
    ]);
  });

  it('equation.pptx has an equation as a paragraph of its own', async () => {
    expect((await readPptx(casePath('decks/equation.pptx'), 9)).slides[0]?.text).toBe('Energy: E=mc2');
  });

  it('trailing-byte.pptx is read', async () => {
    expect((await readPptx(casePath('decks/trailing-byte.pptx'), 9)).slides[0]?.text).toBe('Hello\nWorld');
  });
});
