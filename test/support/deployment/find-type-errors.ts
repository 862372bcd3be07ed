import { resolve } from 'node:path';
import ts from 'typescript';

/** A Kubernetes manifest, with the name and the module of its TypeScript type. */
export type TypedManifest = readonly [typeName: string, module: string, manifest: object];

/**
 * Type-checks manifests, all in one TypeScript program.
 * @returns the errors of each manifest
 */
export function findTypeErrors(manifests: readonly TypedManifest[]): string[][] {
  const sources = new Map(
    manifests.map(([typeName, module, manifest], index) => [
      resolve(`manifest-${String(index)}.ts`),
      `import type { ${typeName} } from '${module}';\n` +
        `export const manifest: ${typeName} = ${JSON.stringify(manifest)};\n`,
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
