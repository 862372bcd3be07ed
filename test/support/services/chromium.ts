import { findBinary } from './binaries';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';

const ARGS = [
  // Chromium's own sandbox needs a user that is not root; no page from outside is opened here.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A headless Chromium that Playwright's clients connect to. */
export async function startChromium(): Promise<{ url: string; stop(): Promise<void> }> {
  const executablePath = await chromiumPath();
  // Loaded here: most runs need no browser.
  const { chromium } = await import('playwright-core');
  const server = await chromium.launchServer({ executablePath, host: LOOPBACK, args: ARGS });
  return { url: server.wsEndpoint(), stop: () => server.close() };
}

/** The path of a Chromium: the one that TEST_CHROMIUM names, or this machine's, or Debian's. */
async function chromiumPath(): Promise<string> {
  const given = process.env['TEST_CHROMIUM'] ?? '';
  if (given !== '') return given;
  return findOrInstall({
    title: 'Chromium',
    find: () => findBinary(['chromium', 'chromium-browser', 'google-chrome']),
    debianPackage: 'chromium',
    variable: 'TEST_CHROMIUM',
  });
}
