import { findBinary } from './binaries';
import { findOrInstall } from './find-or-install';

/** The path of a Chromium: the one that TEST_CHROMIUM names, or this machine's, or Debian's. */
export async function chromiumPath(): Promise<string> {
  const given = process.env['TEST_CHROMIUM'] ?? '';
  if (given !== '') return given;
  return findOrInstall({
    title: 'Chromium',
    find: () => findBinary(['chromium', 'chromium-browser', 'google-chrome']),
    debianPackage: 'chromium',
    variable: 'TEST_CHROMIUM',
  });
}
