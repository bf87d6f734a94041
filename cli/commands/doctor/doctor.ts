/** `frameloom doctor`: checks the programs, the model and the settings of this machine. */
import { type Command, type CommandContext, EXIT_CODES, parseCommandLine, printLine } from '../../context.ts';
import { type Finding, runDoctorChecks } from './doctor-checks.ts';

const MARKS = { ok: 'ok', missing: 'MISSING', optional: 'not found' } as const;

export const doctor: Command = {
  summary: 'check what is installed on this machine and what is missing',
  usage: `usage: frameloom doctor [--json]

Checks programs, model, runtime, store and disk, and prints how to install what is missing.
Exit code 1 when a requirement is missing.`,

  async run(args, context) {
    const { values } = parseCommandLine({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
    });
    const findings = await runDoctorChecks(context.env, context.settings);
    if (values.json) printLine(context.stdout, JSON.stringify(findings, null, 2));
    else printTable(findings, context);
    return findings.some(({ status }) => status === 'missing') ? EXIT_CODES.failed : EXIT_CODES.complete;
  },
};

function printTable(findings: readonly Finding[], { stdout }: CommandContext): void {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const statusWidth = Math.max(...findings.map(({ status }) => MARKS[status].length));
  for (const { name, status, found, advice } of findings) {
    printLine(stdout, `${name.padEnd(width)}  ${MARKS[status].padEnd(statusWidth)}  ${found}`);
    if (advice !== undefined) printLine(stdout, `${' '.repeat(width + statusWidth + 4)}${advice}`);
  }
}
