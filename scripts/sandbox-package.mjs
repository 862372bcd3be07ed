/**
 * Writes the package `infobip-sandbox` to `dist/infobip-sandbox`, or to the folder given as argument, and
 * replaces that folder. The files contain every package that the sandbox uses, so that it installs no other.
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { rolldown } from 'rolldown';
import ts from 'typescript';

const SOURCE = 'src/sandbox';
const [TARGET = 'dist/infobip-sandbox'] = argv.slice(2);
/** The target of each copied file or folder. */
const COPIES = {
  'src/sandbox/package.json': 'package.json',
  'src/sandbox/README.md': 'README.md',
  'src/sandbox/page': 'page',
  'docs/sandbox.md': 'REFERENCE.md',
  LICENSE: 'LICENSE',
};

rmSync(TARGET, { recursive: true, force: true });
const bundle = await rolldown({
  input: [join(SOURCE, 'main.ts'), join(SOURCE, 'sandbox.ts')],
  platform: 'node',
});
// The names of package.json: main.js and sandbox.js.
const { output } = await bundle.write({
  dir: TARGET,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunk-[hash].js',
});
await bundle.close();
for (const [from, to] of Object.entries(COPIES))
  cpSync(from, join(TARGET, to), { recursive: true });
writeFileSync(join(TARGET, 'sandbox.d.ts'), declareTypes('sandbox.ts'));
writeFileSync(join(TARGET, 'THIRD-PARTY-LICENSES.txt'), collectLicenses());

/** The types that a file exports. */
function declareTypes(file) {
  const source = readFileSync(join(SOURCE, file), 'utf8');
  const { outputText, diagnostics } = ts.transpileDeclaration(source, { fileName: file });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].messageText);
  return outputText;
}

/** The licences of the packages whose code is in the bundle, by name. */
function collectLicenses() {
  const modules = output.flatMap(({ moduleIds = [] }) => moduleIds);
  const folders = modules.map((path) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders.filter(Boolean))].map(describeLicense).sort().join('\n\n');
}

function describeLicense(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version} (${license})\n\n${readLicense(folder).trim()}\n`;
}

/** The text of the licence file, or else the section of the README about the licence. */
function readLicense(folder) {
  const readFile = (pattern) => {
    const name = readdirSync(folder).find((each) => pattern.test(each));
    return name && readFileSync(join(folder, name), 'utf8');
  };
  const [section] = /^#+ licen[cs]e\b[^]*/im.exec(readFile(/^readme\.md$/i) ?? '') ?? [];
  const text = readFile(/^licen[cs]e(\.(md|txt))?$/i) ?? section;
  if (!text) throw new Error(`${folder} has no licence text.`);
  return text;
}
