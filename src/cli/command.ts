import { parseArgs } from 'node:util';
import { alignColumns } from './table.js';

/** 0: success; 1: an error, or a problem was found; 2: invalid arguments. */
type ExitCode = 0 | 1 | 2;

/** A command: gets the arguments after its name, and prints its own errors. */
export type CliCommand = (args: readonly string[]) => Promise<ExitCode>;

/** The arguments do not fit the usage text, which is printed after the message. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Options by name. `value` is the placeholder in the usage text; an option without it is a flag. */
type CliOptions = Readonly<Record<string, { readonly value?: string; readonly help: string }>>;

type OptionValues<O extends CliOptions> = {
  readonly [K in keyof O]?: O[K] extends { readonly value: string } ? string : boolean;
};

interface CommandSpec<O extends CliOptions> {
  readonly name: string;
  /** The positional arguments, such as `NAME`; none if absent. */
  readonly operands?: string;
  /** What the command does; printed below the usage line. */
  readonly about: string;
  readonly options: O;
  readonly run: (values: OptionValues<O>, operands: readonly string[]) => Promise<ExitCode>;
}

/** Adds `--help`, the usage text and the handling of errors to a command. */
export function defineCommand<const O extends CliOptions>(spec: CommandSpec<O>): CliCommand {
  const options: CliOptions = { ...spec.options, help: { help: 'shows this text' } };
  return async (args) => {
    try {
      const { values, positionals } = parseCommandLine(args, options, spec.operands !== undefined);
      if (values['help'] !== true) return await spec.run(values as OptionValues<O>, positionals);
      console.log(formatUsage(spec, options));
      return 0;
    } catch (error) {
      console.error((error as Error).message);
      if (!(error instanceof UsageError)) return 1;
      console.error(`\n${formatUsage(spec, options)}`);
      return 2;
    }
  };
}

function parseCommandLine(args: readonly string[], options: CliOptions, allowPositionals: boolean) {
  const types = Object.entries(options).map(
    ([name, { value }]) => [name, { type: value ? 'string' : 'boolean' }] as const,
  );
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(types), allowPositionals });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function formatUsage(
  { name, operands, about }: Omit<CommandSpec<CliOptions>, 'run'>,
  options: CliOptions,
) {
  const args = [...(operands === undefined ? [] : [operands]), '[options]'].join(' ');
  const rows = Object.entries(options).map(([option, { value, help }]) => [
    `  --${option}${value ? ` <${value}>` : ''}`,
    help,
  ]);
  return [
    `Usage: npm run ${name} -- ${args}`,
    `       otp ${name} ${args}  (in the container image)`,
    `\n${about}\n`,
    ...alignColumns(rows),
  ].join('\n');
}
