/**
 * Writes a chart as text: its title, the titles of its axes, and each series with its categories and values.
 * Reads the charts of Office 2007 (`c:chartSpace`) and those of 2016 (`cx:chartSpace`), by the values that
 * the chart itself stores.
 */
import { childrenOf, descendants, elementsOf, find, textOf, type XmlElement } from '../text/index.ts';
import { joinLevels, levelPoints, type Points, pointsOf } from './chart-values.ts';
import { bodyText } from './pptx-text.ts';

/** Most series of a chart, and points of a series; the rest is counted. */
const MAX_SERIES = 50;
const MAX_POINTS = 200;

interface Series {
  readonly name: string;
  readonly labels: Points;
  readonly values: Points;
  /** Third value of a bubble. */
  readonly sizes: Points;
  /** Whether the labels are coordinates. */
  readonly isPlane: boolean;
}

/** Returns the text of the chart in `space`, one line per series; empty for anything else. */
export function chartText(space: XmlElement | undefined): string {
  const chart = find(space, 'chart');
  if (space?.name !== 'chartSpace' || !chart) return '';
  const series = find(space, 'chartData') ? newSeries(space, chart) : oldSeries(space, chart);
  const title = titleText(find(chart, 'title'));
  const axes = elementsOf(find(chart, 'plotArea'))
    .filter(({ name }) => /Ax$|^axis$/.test(name))
    .map((axis) => titleText(find(axis, 'title')))
    .filter((text) => text !== '');
  const left = series.length - MAX_SERIES;
  return [
    title === '' ? 'Chart' : `Chart: ${title}`,
    ...(axes.length === 0 ? [] : [`Axes: ${axes.join(', ')}`]),
    ...series.slice(0, MAX_SERIES).map(seriesLine),
    ...(left > 0 ? [`… and ${left} more series`] : []),
  ].join('\n');
}

/** Series of the plots, several in a combined chart. */
function oldSeries(space: XmlElement, chart: XmlElement): readonly Series[] {
  const uses1904 = ['1', 'true'].includes(find(space, 'date1904')?.attributes.val ?? '');
  const plots = elementsOf(find(chart, 'plotArea')).filter(({ name }) => /Chart$/.test(name));
  return plots
    .flatMap((plot) => childrenOf(plot, 'ser'))
    .map((series, index) => {
      const points = (...names: readonly string[]): Points =>
        pointsOf(names.map((element) => find(series, element)).find(Boolean), uses1904);
      const name = [...points('tx').values()].join(' ') || oneLine(textOf(find(series, 'tx', 'v')));
      return {
        name: name || `Series ${index + 1}`,
        labels: points('cat', 'xVal'),
        values: points('val', 'yVal'),
        sizes: points('bubbleSize'),
        isPlane: find(series, 'xVal') !== undefined && find(series, 'yVal') !== undefined,
      };
    });
}

/** Series refer to their data by number; each of its dimensions has levels. */
function newSeries(space: XmlElement, chart: XmlElement): readonly Series[] {
  const data = new Map(
    childrenOf(find(space, 'chartData'), 'data').map((item) => [item.attributes.id, item]),
  );
  return descendants(chart, 'series').map((series, index) => {
    const own = data.get(find(series, 'dataId')?.attributes.val ?? '');
    const dimension = (kind: 'strDim' | 'numDim'): Points =>
      joinLevels(
        childrenOf(find(own, kind), 'lvl').map((level) =>
          levelPoints(level, level.attributes.formatCode ?? '', false),
        ),
      );
    return {
      name: oneLine(textOf(find(series, 'tx', 'txData', 'v'))) || `Series ${index + 1}`,
      labels: dimension('strDim'),
      values: dimension('numDim'),
      sizes: new Map(),
      isPlane: false,
    };
  });
}

/** `Sales: North 17.5, South 42.25`, or pairs of coordinates. */
function seriesLine({ name, labels, values, sizes, isPlane }: Series): string {
  const numbers = [...new Set([...labels.keys(), ...values.keys()])].sort((a, b) => a - b);
  const points = numbers.slice(0, MAX_POINTS).map((index) => {
    const parts = [labels, values, sizes].flatMap((of) => of.get(index) ?? []);
    return isPlane ? `(${parts.join(', ')})` : parts.join(' ');
  });
  const left = numbers.length - MAX_POINTS;
  const all = [...points, ...(left > 0 ? [`… and ${left} more`] : [])].join(', ');
  return all === '' ? name : `${name}: ${all}`;
}

/** A title that was typed, or taken from a cell. */
function titleText(title: XmlElement | undefined): string {
  const text = find(title, 'tx');
  const cell = [...pointsOf(text, false).values()].join(' ') || textOf(find(text, 'txData', 'v'));
  return oneLine(bodyText(find(text, 'rich')) || cell);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
