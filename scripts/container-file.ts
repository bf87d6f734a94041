/** Reading a container file, and the rules ours have to keep. */

export interface Instruction {
  /** In capitals, such as `RUN`. */
  readonly name: string;
  /** Everything after the name, with continued lines joined. */
  readonly text: string;
  /** Line on which it starts, from 1. */
  readonly line: number;
}

export interface Problem {
  readonly line: number;
  readonly message: string;
}

const KNOWN = new Set(
  'FROM RUN CMD LABEL EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR ARG STOPSIGNAL HEALTHCHECK SHELL'.split(
    ' ',
  ),
);

/** The instructions of a container file, comments and empty lines left out. */
export function parseContainerFile(text: string): readonly Instruction[] {
  const instructions: Instruction[] = [];
  let open: { text: string; line: number } | undefined;
  text.split('\n').forEach((raw, index) => {
    if (raw.trim() === '' || raw.trim().startsWith('#')) return;
    const continues = raw.trimEnd().endsWith('\\');
    const part = continues ? raw.trimEnd().slice(0, -1) : raw;
    open = { text: `${open?.text ?? ''}${part}`, line: open?.line ?? index + 1 };
    if (continues) return;
    const [, name = '', rest = ''] = /^\s*(\S+)\s*(.*)$/s.exec(open.text) ?? [];
    instructions.push({ name: name.toUpperCase(), text: rest.trim(), line: open.line });
    open = undefined;
  });
  return instructions;
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

/** What is wrong with a container file. */
export function containerFileProblems(instructions: readonly Instruction[]): readonly Problem[] {
  const problems: Problem[] = [];
  const complain = (line: number, message: string): void => {
    problems.push({ line, message });
  };
  const lastFrom = instructions.findLastIndex(({ name }) => name === 'FROM');
  const final = instructions.slice(lastFrom);
  const stages = new Set<string>();

  for (const instruction of instructions) {
    const { name, text, line } = instruction;
    if (!KNOWN.has(name)) complain(line, `${name} is no instruction.`);
    if (name === 'FROM') {
      const [image = '', , stage] = text.split(/\s+/);
      if (!stages.has(image) && !/:(?!latest$)[^:/]+$/.test(image))
        complain(line, `${image}: name a version.`);
      if (stage !== undefined) stages.add(stage);
    }
    if (name === 'ADD') complain(line, 'use COPY.');
    if (name === 'COPY') {
      const from = /--from=(\S+)/.exec(text)?.[1];
      if (from !== undefined && !stages.has(from)) complain(line, `there is no stage ${from}.`);
    }
    if (name === 'WORKDIR' && !text.startsWith('/')) complain(line, 'name an absolute folder.');
    if (name === 'RUN' || name === 'CMD' || name === 'ENTRYPOINT') {
      if (/\bsudo\b/.test(text)) complain(line, 'sudo has no use here.');
    }
    if (name === 'RUN' && /\bapt-get install\b/.test(text)) {
      if (!/apt-get update/.test(text)) complain(line, 'update the package lists in the same layer.');
      if (!/ -y\b/.test(text) || !/--no-install-recommends/.test(text)) {
        complain(line, 'apt-get install needs -y and --no-install-recommends.');
      }
      if (!/rm -rf \/var\/lib\/apt\/lists/.test(text))
        complain(line, 'remove the package lists in the same layer.');
    }
    if (name === 'RUN' && /\bnpm (install|i)\b/.test(text)) complain(line, 'use npm ci.');
    if ((name === 'ENV' || name === 'ARG') && /(KEY|TOKEN|SECRET|PASSWORD)\w*=/i.test(text)) {
      complain(line, 'secrets are given when the container is started.');
    }
  }

  const user = final.findLast(({ name }) => name === 'USER');
  if (user === undefined || /^(root|0)\b/.test(user.text))
    complain(user?.line ?? 1, 'end as another user than root.');
  if (!final.some(({ name }) => name === 'HEALTHCHECK')) complain(1, 'say how health is checked.');
  const commands = final.filter(({ name }) => name === 'CMD');
  const [command] = commands;
  if (command === undefined || commands.length > 1) complain(1, 'give exactly one CMD.');
  else if (execForm(command)?.[0] !== 'node')
    complain(command.line, 'run node itself in exec form, so that it gets signals.');
  return problems;
}
