/** Container files as tests read them. The general rules are hadolint's; tests assert what is specific to this project. */
import { DockerfileParser } from 'dockerfile-ast';

export interface Instruction {
  /** In capitals, such as `RUN`. */
  readonly name: string;
  /** All arguments, with continued lines joined and comments left out. */
  readonly text: string;
}

export function parseContainerFile(text: string): readonly Instruction[] {
  return DockerfileParser.parse(text)
    .getInstructions()
    .map((one) => ({
      name: one.getKeyword(),
      text: (one.getArgumentsContent() ?? '').replace(/\\\n\s*/g, ''),
    }));
}

export function lastStage(instructions: readonly Instruction[]): readonly Instruction[] {
  return instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
}

/** The words of an instruction in exec form (`CMD ["node", "x"]`), or undefined for the shell form. */
export function execForm(instruction: Instruction): readonly string[] | undefined {
  const json = instruction.text.slice(instruction.text.indexOf('['));
  try {
    const words: unknown = JSON.parse(json);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}
