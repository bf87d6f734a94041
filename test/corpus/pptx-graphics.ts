/** Equations and charts of presentations, as PowerPoint writes them. */

const A14 = 'http://schemas.microsoft.com/office/drawing/2010/main';
const M = 'http://schemas.openxmlformats.org/officeDocument/2006/math';
const MC = 'http://schemas.openxmlformats.org/markup-compatibility/2006';
const C = 'http://schemas.openxmlformats.org/drawingml/2006/chart';
const CX = 'http://schemas.microsoft.com/office/drawing/2014/chartex';
const DRAWING = 'http://schemas.openxmlformats.org/drawingml/2006/main';

/** A text box with words, an equation in Office Math without namespaces, and words; and the fallback without it. */
export function equationBox(before: string, equation: string, after = ''): string {
  const box = (content: string): string =>
    `<p:sp><p:nvSpPr><p:cNvPr id="3" name="box"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:p>${run(before)}${content}${run(after)}</a:p></p:txBody></p:sp>`;
  const math = equation.replaceAll(/<(\/?)(\w+)/g, '<$1m:$2').replaceAll(/ (\w+)="/g, ' m:$1="');
  return `<mc:AlternateContent xmlns:mc="${MC}"><mc:Choice Requires="a14" xmlns:a14="${A14}">${box(`<a14:m><m:oMath xmlns:m="${M}">${math}</m:oMath></a14:m>`)}</mc:Choice><mc:Fallback>${box(run(' '))}</mc:Fallback></mc:AlternateContent>`;
}

/** A run of an equation. */
export function mathRun(text: string): string {
  return `<r><t>${text}</t></r>`;
}

export interface ChartSpec {
  readonly title: string;
  readonly axes?: readonly string[];
  readonly categories: readonly string[];
  /** Number format of the values. */
  readonly format?: string;
  /** Format of the categories, which are then numbers. */
  readonly categoryFormat?: string;
  readonly series: readonly { readonly name: string; readonly values: readonly (number | string)[] }[];
}

/** A bar chart. */
export function chartXml({
  title,
  axes = [],
  categories,
  format,
  categoryFormat,
  series,
}: ChartSpec): string {
  const texts = (values: readonly (number | string)[]): string =>
    `<c:strCache>${points('c', values)}</c:strCache>`;
  const numbers = (values: readonly (number | string)[], code: string): string =>
    `<c:numRef><c:f>S!A1</c:f><c:numCache><c:formatCode>${code}</c:formatCode>${points('c', values)}</c:numCache></c:numRef>`;
  const labels =
    categoryFormat === undefined
      ? `<c:strRef><c:f>S!A1</c:f>${texts(categories)}</c:strRef>`
      : numbers(categories, categoryFormat);
  const all = series.map(
    ({ name, values }, index) =>
      `<c:ser><c:idx val="${index}"/><c:tx><c:strRef><c:f>S!B1</c:f>${texts([name])}</c:strRef></c:tx><c:cat>${labels}</c:cat><c:val>${numbers(values, format ?? 'General')}</c:val></c:ser>`,
  );
  const axis = axes.map((text) => `<c:valAx>${chartTitle(text)}</c:valAx>`).join('');
  return `<c:chartSpace xmlns:c="${C}" xmlns:a="${DRAWING}"><c:chart>${chartTitle(title)}<c:plotArea><c:barChart>${all.join('')}</c:barChart>${axis}</c:plotArea></c:chart></c:chartSpace>`;
}

/** A waterfall chart of Office 2016. */
export function newChartXml(
  title: string,
  name: string,
  categories: readonly string[],
  values: readonly number[],
): string {
  const level = (data: readonly (number | string)[]): string =>
    `<cx:lvl ptCount="${data.length}">${data.map((value, index) => `<cx:pt idx="${index}">${value}</cx:pt>`).join('')}</cx:lvl>`;
  return `<cx:chartSpace xmlns:cx="${CX}" xmlns:a="${DRAWING}"><cx:chartData><cx:data id="0"><cx:strDim type="cat">${level(categories)}</cx:strDim><cx:numDim type="val">${level(values)}</cx:numDim></cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:txData><cx:v>${title}</cx:v></cx:txData></cx:tx></cx:title><cx:plotArea><cx:plotAreaRegion><cx:series layoutId="waterfall"><cx:tx><cx:txData><cx:v>${name}</cx:v></cx:txData></cx:tx><cx:dataId val="0"/></cx:series></cx:plotAreaRegion></cx:plotArea></cx:chart></cx:chartSpace>`;
}

/** The frame of a chart with the relationship `id`. */
export function chartFrame(id: string, isNew = false): string {
  const [prefix, uri] = isNew ? ['cx', CX] : ['c', C];
  const frame = `<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="7" name="chart"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm><a:off x="0" y="4000000"/><a:ext cx="9" cy="9"/></p:xfrm><a:graphic><a:graphicData uri="${uri}"><${prefix}:chart xmlns:${prefix}="${uri}" r:id="${id}"/></a:graphicData></a:graphic></p:graphicFrame>`;
  if (!isNew) return frame;
  const notice = `<p:sp><p:nvSpPr><p:cNvPr id="8" name=""/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/><p:txBody><a:p>${run('This chart is not available.')}</a:p></p:txBody></p:sp>`;
  return `<mc:AlternateContent xmlns:mc="${MC}"><mc:Choice Requires="cx1" xmlns:cx1="x">${frame}</mc:Choice><mc:Fallback>${notice}</mc:Fallback></mc:AlternateContent>`;
}

function chartTitle(text: string): string {
  return `<c:title><c:tx><c:rich><a:bodyPr/><a:p>${run(text)}</a:p></c:rich></c:tx></c:title>`;
}

function points(prefix: string, values: readonly (number | string)[]): string {
  const list = values.map(
    (value, index) => `<${prefix}:pt idx="${index}"><${prefix}:v>${value}</${prefix}:v></${prefix}:pt>`,
  );
  return `<${prefix}:ptCount val="${values.length}"/>${list.join('')}`;
}

function run(text: string): string {
  return text === '' ? '' : `<a:r><a:t>${text}</a:t></a:r>`;
}
