/**
 * Compiles `src` to `.test-build` for tests that start processes or threads. swc takes one second,
 * tsc six; `npm run check:types` checks the types.
 */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { transformFileSync } from '@swc/core';
import { SWC_OPTIONS } from './swc-options.mjs';

const SOURCE = 'src';
const BUILD = '.test-build';

rmSync(BUILD, { recursive: true, force: true });
for (const file of readdirSync(SOURCE, { recursive: true, withFileTypes: true })) {
  if (!file.isFile()) continue;
  const source = join(file.parentPath, file.name);
  const target = join(BUILD, source.slice(SOURCE.length + 1));
  mkdirSync(dirname(target), { recursive: true });
  if (extname(source) === '.ts') {
    const { code } = transformFileSync(source, SWC_OPTIONS);
    writeFileSync(target.replace(/\.ts$/, '.js'), code);
  } else {
    cpSync(source, target);
  }
}
