import { parseArgs } from 'node:util';

/** 0: success; 1: an error, or a problem was found; 2: wrong usage. */
type ExitCode = 0 | 1 | 2;

/** Runs with the arguments that follow the command's name, and prints its errors. */
export type Command = (args: readonly string[]) => Promise<ExitCode>;

/** The command line is not as the usage text says. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** Stands for the value of a string in the usage text. */
  readonly value?: string;
  readonly help: string;
}

type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type Values<O extends OptionSpecs> = {
  readonly [K in keyof O]?: O[K]['type'] extends 'boolean' ? boolean : string;
};

interface CommandSpec<O extends OptionSpecs> {
  readonly name: string;
  /** The positional arguments, such as `NAME`; none if absent. */
  readonly operands?: string;
  readonly about: string;
  readonly options: O;
  readonly run: (values: Values<O>, operands: readonly string[]) => Promise<ExitCode>;
}

/** Adds `--help`, the usage text and the handling of errors to a command. */
export function defineCommand<const O extends OptionSpecs>(spec: CommandSpec<O>): Command {
  const options = { ...spec.options, help: { type: 'boolean', help: 'shows this' } } as const;
  const usage = (): string => formatUsage(spec, options);
  return async (args) => {
    try {
      const { values, positionals } = parse(args, options, spec.operands !== undefined);
      if (values['help'] !== true) return await spec.run(values as Values<O>, positionals);
      console.log(usage());
      return 0;
    } catch (error) {
      console.error((error as Error).message);
      if (!(error instanceof UsageError)) return 1;
      console.error(`\n${usage()}`);
      return 2;
    }
  };
}

function parse(args: readonly string[], options: OptionSpecs, allowPositionals: boolean) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function formatUsage(
  { name, operands, about }: Omit<CommandSpec<OptionSpecs>, 'options' | 'run'>,
  options: OptionSpecs,
): string {
  const args = [operands, '[options]'].filter(Boolean).join(' ');
  const rows = Object.entries(options).map(
    ([option, { value, help }]) => [`--${option}${value ? ` <${value}>` : ''}`, help] as const,
  );
  const width = Math.max(...rows.map(([option]) => option.length));
  return [
    `Usage: npm run ${name} -- ${args}`,
    `       otp ${name} ${args}  (in the container image)`,
    `\n${about}\n`,
    ...rows.map(([option, help]) => `  ${option.padEnd(width)}  ${help}`),
  ].join('\n');
}
