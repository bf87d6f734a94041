/** Parses container files. hadolint checks general rules; tests check what is specific to this project. */
import { DockerfileParser } from 'dockerfile-ast';

export interface Instruction {
  /** In upper case, such as `RUN`. */
  readonly name: string;
  /** All arguments, with continued lines joined and without comments. */
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

/** The arguments of an instruction in exec form (`CMD ["node", "x"]`), or undefined for the shell form. */
export function execForm(instruction: Instruction): readonly string[] | undefined {
  const json = instruction.text.slice(instruction.text.indexOf('['));
  try {
    const args: unknown = JSON.parse(json);
    return Array.isArray(args) && args.every((arg) => typeof arg === 'string') ? args : undefined;
  } catch {
    return undefined;
  }
}
