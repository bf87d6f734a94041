/**
 * The way back from words to the world: what a text claims, as facts that can be compared with what was
 * drawn.
 */
import { CHARTS, COLOURS, POSITIONS, SHAPES, type Spec } from './spec.ts';

/**
 * The smallest claims of a picture, such as `left: red`, `left: circle`, `background: blue`, `title: Sales
 * Report`, `chart: none`, `bullets: 3`.
 */
export function facts(spec: Spec): string[] {
  if (spec.kind === 'scene') {
    return [
      ...spec.objects.flatMap(({ shape, colour, position }) => [
        `${position}: ${shape}`,
        `${position}: ${colour}`,
      ]),
      `background: ${spec.background}`,
    ];
  }
  return [`title: ${spec.title}`, `chart: ${spec.chart}`, `bullets: ${spec.bullets}`];
}

const hue = `(${COLOURS.join('|')})`;
const object = `an? ${hue} (${SHAPES.join('|')}) (?:in the|on the) (${POSITIONS.join('|')})`;
const OBJECT = new RegExp(object, 'gi');
const SCENE = `((?:${object})(?: and ${object})*), on an? ${hue} background`;
const CHART = `(${CHARTS.filter((chart) => chart !== 'none').join('|')})`;
const SLIDE = `a slide titled "([^"]*)"(?: with (?:a ${CHART} chart)?(?: and )?(?:(\\d+) bullet points?)?)?`;

/** Every picture that `text` describes, in the order of the text; other words are passed over. */
export function specsInText(text: string): Spec[] {
  return [...text.matchAll(new RegExp(`(?<scene>${SCENE})|(?<slide>${SLIDE})`, 'gi'))].flatMap(
    ([sentence]) => readSpec(sentence) ?? [],
  );
}

/** The facts of every picture that `text` describes. */
export function factsInText(text: string): Set<string> {
  return new Set(specsInText(text).flatMap(facts));
}

function readSpec(sentence: string): Spec | undefined {
  const slide = new RegExp(`^${SLIDE}$`, 'i').exec(sentence);
  if (slide) {
    const [, title = '', chart = 'none', bullets = '0'] = slide;
    return { kind: 'slide', title, chart: member(CHARTS, chart), bullets: Number(bullets) };
  }
  const background = new RegExp(`, on an? ${hue} background$`, 'i').exec(sentence)?.[1];
  if (background === undefined) return undefined;
  const objects = [...sentence.matchAll(OBJECT)].map(([, colour = '', shape = '', position = '']) => ({
    shape: member(SHAPES, shape),
    colour: member(COLOURS, colour),
    position: member(POSITIONS, position),
  }));
  return { kind: 'scene', background: member(COLOURS, background), objects };
}

/** Narrows a word that a pattern has matched to the vocabulary the pattern was made of. */
function member<T extends string>(vocabulary: readonly T[], word: string): T {
  const found = vocabulary.find((item) => item === word.toLowerCase());
  if (found === undefined) throw new TypeError(`not in the vocabulary: ${word}`);
  return found;
}
