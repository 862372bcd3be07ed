import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';

const SOURCE = 'client/src';

describe('The TypeScript client', () => {
  it('has the types of openapi.json (npm run client:types)', () => {
    const generated = execFileSync(process.execPath, ['client/generate-types.mjs', '--print'], {
      encoding: 'utf8',
    });

    expect(readFileSync(`${SOURCE}/api-types.ts`, 'utf8')).toBe(generated);
  });

  it('imports no package and no module of Node, so that it runs everywhere', () => {
    const imports = readdirSync(SOURCE).flatMap((file) =>
      ts
        .preProcessFile(readFileSync(`${SOURCE}/${file}`, 'utf8'))
        .importedFiles.map(({ fileName }) => fileName),
    );

    expect(imports).not.toEqual([]);
    expect(imports.filter((name) => !name.startsWith('./'))).toEqual([]);
  });

  it('has the version of the service and no dependencies', () => {
    const read = (file: string) =>
      JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const manifest = read('client/package.json');

    expect(manifest['version']).toBe(read('package.json')['version']);
    expect(Object.keys(manifest).filter((name) => /dependencies/i.test(name))).toEqual([]);
  });
});
