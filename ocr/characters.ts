/** The characters of a recognition model, and the text that its output spells. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../onnx/index.ts';

/**
 * Reads `characters.txt` in `folder`: the character of each class of the model, where class 0 is the blank of
 * CTC and the last class a space if the file has none for it.
 *
 * @throws ModelError `model_invalid` if the file does not fit a model of `classes` classes.
 */
export async function readCharacters(folder: string, classes: number): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'characters.txt'), 'utf8').catch((cause: unknown) => {
    throw new ModelError('model_invalid', 'The text recognition model has no characters.txt.', { cause });
  });
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] === 'blank') lines.shift(); // PP-OCRv5 lists the blank
  const characters = ['', ...lines];
  if (characters.length === classes - 1) characters.push(' ');
  if (characters.length !== classes) {
    throw new ModelError(
      'model_invalid',
      `The text recognition model has ${classes} classes, but characters.txt fits ${characters.length}.`,
    );
  }
  return characters;
}

export interface Spelling {
  readonly text: string;
  /** Mean probability of the characters, 0 to 1. */
  readonly confidence: number;
}

/**
 * Decodes one row of the model's output greedily (CTC): `steps` probabilities of each class. Repetitions
 * without a blank between them are one character.
 */
export function spell(probabilities: Float32Array, steps: number, characters: readonly string[]): Spelling {
  const classes = characters.length;
  let text = '';
  let sum = 0;
  let count = 0;
  let last = 0;
  for (let step = 0; step < steps; step++) {
    const offset = step * classes;
    let best = 0;
    let highest = probabilities[offset] ?? 0;
    for (let index = 1; index < classes; index++) {
      const probability = probabilities[offset + index] ?? 0;
      if (probability > highest) {
        highest = probability;
        best = index;
      }
    }
    if (best !== 0 && best !== last) {
      text += characters[best] ?? '';
      sum += highest;
      count++;
    }
    last = best;
  }
  return { text: text.trim(), confidence: count === 0 ? 0 : sum / count };
}
