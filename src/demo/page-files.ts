import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Beside this file: in the source as in a build. */
const FOLDER = new URL('./page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** The page's files by name, read once; with the sandbox's URL filled in. */
export function loadPageFiles(sandboxUrl: string): ReadonlyMap<string, PageFile> {
  return new Map(
    readdirSync(FOLDER).map((name) => {
      const type = TYPES[extname(name)];
      if (type === undefined) throw new Error(`The page cannot have a file like ${name}.`);
      const text = readFileSync(new URL(name, FOLDER), 'utf8');
      const rendered = text.replace('{{sandboxUrl}}', () => escapeAttribute(sandboxUrl));
      return [name, { type, bytes: Buffer.from(rendered) }];
    }),
  );
}

const escapeAttribute = (text: string): string =>
  text.replace(/[&"<>]/g, (character) => `&#${String(character.charCodeAt(0))};`);
