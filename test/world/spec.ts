/**
 * The drawn world that the bundled model was trained on (models/tiny-phi3v/training/world.py): what a picture
 * shows, and the one sentence that says it.
 */
import { integer, pick, pickSome, type Random } from './random.ts';

export const COLOURS = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'black', 'white'] as const;
export const SHAPES = ['circle', 'square', 'triangle', 'star'] as const;
export const POSITIONS = ['left', 'center', 'right'] as const;
export const CHARTS = ['none', 'bar', 'line', 'pie'] as const;
export const FIRST_WORDS =
  'Quarterly Annual Monthly Global Regional Market Product Customer Sales Project Team Budget Risk Growth Digital Financial Strategic Supply Brand Network'.split(
    ' ',
  );
export const LAST_WORDS =
  'Revenue Report Overview Strategy Results Forecast Roadmap Analysis Summary Update Plan Targets Costs Survey Metrics Review Training Security Timeline Goals'.split(
    ' ',
  );

export type Colour = (typeof COLOURS)[number];
export type Shape = (typeof SHAPES)[number];
export type Position = (typeof POSITIONS)[number];
export type Chart = (typeof CHARTS)[number];

export interface SceneObject {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly position: Position;
}

/** One or two objects, from left to right, never of the colour of the background. */
export interface Scene {
  readonly kind: 'scene';
  readonly background: Colour;
  readonly objects: readonly SceneObject[];
}

/** A title of one or two words, a chart or none, 0 to 4 bullet points. */
export interface Slide {
  readonly kind: 'slide';
  readonly title: string;
  readonly chart: Chart;
  readonly bullets: number;
}

export type Spec = Scene | Slide;

export function sampleSpec(random: Random, kind: Spec['kind'] = random() < 0.45 ? 'scene' : 'slide'): Spec {
  if (kind === 'scene') {
    const background = pick(random, COLOURS);
    const colours = COLOURS.filter((colour) => colour !== background);
    const taken = pickSome(random, POSITIONS, pick(random, [1, 2, 2]));
    const objects = POSITIONS.filter((position) => taken.includes(position)).map((position) => ({
      shape: pick(random, SHAPES),
      colour: pick(random, colours),
      position,
    }));
    return { kind, background, objects };
  }
  const last = pick(random, LAST_WORDS);
  const title = random() < 0.25 ? last : `${pick(random, FIRST_WORDS)} ${last}`;
  return { kind, title, chart: pick(random, CHARTS), bullets: integer(random, 0, 4) };
}

/** `count` specs of which no two neighbours are the same. `sceneShare` is the probability of a scene. */
export function sampleSequence(random: Random, count: number, sceneShare: number): Spec[] {
  const specs: Spec[] = [];
  let last = '';
  while (specs.length < count) {
    const spec = sampleSpec(random, random() < sceneShare ? 'scene' : 'slide');
    if (caption(spec) === last) continue;
    last = caption(spec);
    specs.push(spec);
  }
  return specs;
}

/** The sentence the model was trained to say of a picture of `spec`. */
export function caption(spec: Spec): string {
  if (spec.kind === 'scene') {
    const objects = spec.objects.map(({ shape, colour, position }) => {
      const where = position === 'center' ? 'in the center' : `on the ${position}`;
      return `${withArticle(colour)} ${shape} ${where}`;
    });
    const text = `${objects.join(' and ')}, on ${withArticle(spec.background)} background.`;
    return text.charAt(0).toUpperCase() + text.slice(1);
  }
  const parts = [
    ...(spec.chart === 'none' ? [] : [`a ${spec.chart} chart`]),
    ...(spec.bullets === 0 ? [] : [`${spec.bullets} bullet point${spec.bullets > 1 ? 's' : ''}`]),
  ];
  return `A slide titled "${spec.title}"${parts.length > 0 ? ` with ${parts.join(' and ')}` : ''}.`;
}

function withArticle(word: string): string {
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;
}
