import { readFileSync } from 'node:fs';

/** The package file is beside `src`, and also beside the folder of a build. */
const PACKAGE = new URL('../../package.json', import.meta.url);

/** The release of this service. */
export const { version: VERSION } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
  version: string;
};
