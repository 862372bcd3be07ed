import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** Lowest first. A file imports only from its own folder and from lower layers. */
const LAYERS = [
  ['common'],
  ['config'],
  ['clients'],
  ['http', 'observability', 'storage'],
  ['throttling', 'destinations', 'providers', 'proof'],
  ['openapi'],
  ['otp', 'health', 'cli', 'provider-reports', 'webhooks'],
  // The back end of the demo page is a client of otp, in the same process.
  ['demo'],
];
const TOP_FILES = [
  'main.ts',
  'app.module.ts',
  'app.setup.ts',
  'bootstrap.ts',
  'shutdown.ts',
  'signals.ts',
  'quick-start-message.ts',
];
/** Imports nothing from the other folders; only `bootstrap` imports it. */
const SANDBOX = 'sandbox';

const SRC = resolve('src');

interface SourceFile {
  /** Path below src. */
  readonly path: string;
  readonly text: string;
  /** Paths below src. */
  readonly imports: readonly string[];
}

const files: SourceFile[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const imports = ts
      .preProcessFile(text)
      .importedFiles.map(({ fileName }) => fileName)
      .filter((name) => name.startsWith('.'))
      .map((name) => relative(SRC, resolve(SRC, dirname(path), name.replace(/\.js$/, '.ts'))));
    return { path, text, imports };
  });

const folderOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : '');
const layerOf = (path: string): number =>
  folderOf(path) === ''
    ? LAYERS.length
    : LAYERS.findIndex((layer) => layer.includes(folderOf(path)));

/** The imports that break a rule, as `from → to`. */
const violations = (breaksRule: (from: string, to: string) => boolean): string[] =>
  files.flatMap(({ path, imports }) =>
    imports.filter((target) => breaksRule(path, target)).map((target) => `${path} → ${target}`),
  );

describe('The architecture', () => {
  it('consists of the folders that the dependency rule names', () => {
    const folders = new Set(files.map(({ path }) => folderOf(path)).filter((name) => name !== ''));
    const unknown = [...folders].filter(
      (name) => name !== SANDBOX && !LAYERS.flat().includes(name),
    );

    expect(unknown).toEqual([]);
    expect(
      files
        .map(({ path }) => path)
        .filter((path) => folderOf(path) === '')
        .sort(),
    ).toEqual([...TOP_FILES].sort());
  });

  it('imports only from lower layers', () => {
    expect(
      violations(
        (from, to) =>
          folderOf(from) !== folderOf(to) &&
          folderOf(from) !== SANDBOX &&
          folderOf(to) !== SANDBOX &&
          layerOf(to) >= layerOf(from),
      ),
    ).toEqual([]);
  });

  it('enters a folder only by its top-level files', () => {
    expect(
      violations((from, to) => folderOf(from) !== folderOf(to) && to.split('/').length > 2),
    ).toEqual([]);
  });

  it('keeps the sandbox independent, imported only by bootstrap', () => {
    expect(
      violations((from, to) => folderOf(from) === SANDBOX && folderOf(to) !== SANDBOX),
    ).toEqual([]);
    expect(
      violations(
        (from, to) =>
          folderOf(from) !== SANDBOX && folderOf(to) === SANDBOX && from !== 'bootstrap.ts',
      ),
    ).toEqual([]);
  });

  it('has no import cycle', () => {
    const importsOf = new Map(files.map(({ path, imports }) => [path, imports]));
    const cycles: string[] = [];
    const finished = new Set<string>();
    const visit = (path: string, trail: string[]): void => {
      if (trail.includes(path))
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      else if (!finished.has(path)) {
        importsOf.get(path)?.forEach((target) => {
          visit(target, [...trail, path]);
        });
        finished.add(path);
      }
    };
    files.forEach(({ path }) => {
      visit(path, []);
    });

    expect(cycles).toEqual([]);
  });

  it('divides storage into engines, limits, migrations and repositories', () => {
    const folders = files
      .map(({ path }) => path.split('/'))
      .filter(([folder, , file]) => folder === 'storage' && file !== undefined)
      .map(([, subfolder]) => subfolder);

    expect([...new Set(folders)].sort()).toEqual([
      'engines',
      'limits',
      'migrations',
      'repositories',
    ]);
  });

  it('has at most seven levels of imports inside storage', () => {
    const importsOf = new Map(
      files
        .filter(({ path }) => folderOf(path) === 'storage')
        .map(({ path, imports }) => [path, imports]),
    );
    const chainFrom = (path: string): string[] => {
      const chains = (importsOf.get(path) ?? [])
        .filter((target) => importsOf.has(target))
        .map(chainFrom);
      return [path, ...(chains.sort((a, b) => b.length - a.length)[0] ?? [])];
    };
    const tooLong = [...importsOf.keys()].map(chainFrom).filter((chain) => chain.length > 7);

    expect(tooLong.map((chain) => chain.join(' → '))).toEqual([]);
  });

  it('has no barrel and no forward reference', () => {
    expect(files.filter(({ path }) => /(^|\/)index\.ts$/.test(path))).toEqual([]);
    expect(files.filter(({ text }) => text.includes('forwardRef'))).toEqual([]);
  });
});
