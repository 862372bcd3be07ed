import { resolve } from 'node:path';
import ts from 'typescript';

/** A manifest, with the name and the module of its type. */
export type TypedManifest = readonly [kind: string, module: string, manifest: object];

/**
 * Type-checks manifests against the types of their kinds, all in one program.
 * @returns the errors of each
 */
export function typeErrorsOf(manifests: readonly TypedManifest[]): string[][] {
  const sources = new Map(
    manifests.map(([kind, module, manifest], index) => [
      resolve(`manifest-${String(index)}.ts`),
      `import type { ${kind} } from '${module}';\n` +
        `export const manifest: ${kind} = ${JSON.stringify(manifest)};\n`,
    ]),
  );
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const onDisk = { ...host };
  host.fileExists = (path) => sources.has(path) || onDisk.fileExists(path);
  host.getSourceFile = (path, target, ...rest) => {
    const text = sources.get(path);
    return text === undefined
      ? onDisk.getSourceFile(path, target, ...rest)
      : ts.createSourceFile(path, text, target);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources.keys()].map((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  );
}
