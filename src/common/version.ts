import { readFileSync } from 'node:fs';

/** Beside the source folder, as beside that of a build. */
const PACKAGE = new URL('../../package.json', import.meta.url);

/** The release of this service. */
export const { version: VERSION } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
  version: string;
};
