import { readFileSync } from 'node:fs';

/** One instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  readonly name: string;
  /** The `--name=value` flags, by name. */
  readonly flags: Readonly<Record<string, string>>;
  /** The text after the name and the flags. */
  readonly rest: string;
}

/** Parses a Dockerfile; supports only the syntax that this project uses. */
export function readDockerfile(path: string): Instruction[] {
  return readFileSync(path, 'utf8')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', flags = '', rest = ''] =
        /^([A-Z]+)((?: --[a-z-]+=\S+)*) (.*)$/.exec(line) ?? [];
      return {
        name,
        flags: Object.fromEntries(
          [...flags.matchAll(/--([a-z-]+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]),
        ),
        rest,
      };
    });
}

/** The words of a command in JSON form, such as CMD. */
export const parseCommand = (json: string): string[] => JSON.parse(json) as string[];

/** The assignments of ARG, ENV and LABEL, such as `name=value` or `name="some words"`. */
export const parseAssignments = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)].map(([, name = '', quoted, plain = '']) => [
      name,
      quoted ?? plain,
    ]),
  );

/**
 * The instructions after the FROM of one stage, without those of the stage that it starts from. Does not
 * work for the last stage: another FROM must follow.
 */
export function findStage(instructions: readonly Instruction[], name: string): Instruction[] {
  const start = instructions.findIndex(({ rest }) => rest.endsWith(` AS ${name}`)) + 1;
  const length = instructions.slice(start).findIndex((each) => each.name === 'FROM');
  return instructions.slice(start, start + length);
}
