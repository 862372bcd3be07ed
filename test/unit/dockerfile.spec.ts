import { readFileSync } from 'node:fs';
import { findStage, parseAssignments, readDockerfile } from '../support/container/dockerfile.js';

const INSTRUCTIONS = readDockerfile('Dockerfile');
const STAGES = INSTRUCTIONS.filter(({ name }) => name === 'FROM').map(({ rest }) => rest);

describe('The Dockerfile', () => {
  it('builds every stage from one base image, by default Node 24', () => {
    const stages = STAGES.map((rest) => rest.split(' AS ')[1]);
    const bases = STAGES.map((rest) => rest.split(' AS ')[0]);

    expect(INSTRUCTIONS[0]).toMatchObject({
      name: 'ARG',
      rest: 'BASE_IMAGE=node:24-bookworm-slim',
    });
    // Each other stage is built from an earlier one of these four.
    expect(bases.filter((base) => !stages.includes(base))).toEqual(Array(4).fill('${BASE_IMAGE}'));
  });

  it('builds the service by default', () => {
    expect(STAGES.at(-1)).toBe('service');
    expect(INSTRUCTIONS.at(-1)?.name).toBe('FROM');
  });

  it.each([
    ['runtime', 'package.json'],
    ['sandbox', 'src/sandbox/package.json'],
  ])('labels the stage %s with the name, version and license in %s', (stage, manifest) => {
    const { name, description, version, license } = JSON.parse(
      readFileSync(manifest, 'utf8'),
    ) as Record<'name' | 'description' | 'version' | 'license', string>;
    const label = findStage(INSTRUCTIONS, stage).find((each) => each.name === 'LABEL');
    const key = (suffix: string) => `org.opencontainers.image.${suffix}`;

    expect(parseAssignments(label?.rest ?? '')).toEqual({
      [key('title')]: name,
      [key('description')]: description,
      [key('version')]: version,
      [key('licenses')]: license,
      [key('revision')]: '${REVISION}',
      [key('base.name')]: '${BASE_IMAGE}',
    });
  });

  it('copies exactly the files that .dockerignore lets through', () => {
    const copied = INSTRUCTIONS.filter(
      ({ name, flags }) => name === 'COPY' && !flags['from'],
    ).flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    const [first, ...exceptions] = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));

    expect(first).toBe('*');
    expect(exceptions.sort()).toEqual([...new Set(copied)].map((path) => `!${path}`).sort());
  });
});
