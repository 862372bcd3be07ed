import { findBinary } from './binaries';
import { obtain } from './obtain';

/** The path of a Chromium: the one that TEST_CHROMIUM names, or this machine's, or Debian's. */
export async function chromiumPath(): Promise<string> {
  const given = process.env['TEST_CHROMIUM'] ?? '';
  if (given !== '') return given;
  return obtain({
    title: 'Chromium',
    find: () => findBinary(['chromium', 'chromium-browser', 'google-chrome']),
    debianPackage: 'chromium',
    variable: 'TEST_CHROMIUM',
  });
}
