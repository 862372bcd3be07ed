import { findBinary } from './binaries';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';

const ARGS = [
  // Chromium's sandbox does not work as root, and tests open only local pages.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a headless Chromium for Playwright clients. */
export async function startChromium(): Promise<{ url: string; stop(): Promise<void> }> {
  const executablePath = await chromiumPath();
  // Loaded lazily: most runs need no browser.
  const { chromium } = await import('playwright-core');
  const server = await chromium.launchServer({ executablePath, host: LOOPBACK, args: ARGS });
  return { url: server.wsEndpoint(), stop: () => server.close() };
}

/** The path of Chromium: TEST_CHROMIUM, an installed one, or a newly installed Debian package. */
async function chromiumPath(): Promise<string> {
  const configuredPath = process.env['TEST_CHROMIUM'] ?? '';
  if (configuredPath !== '') return configuredPath;
  return findOrInstall({
    title: 'Chromium',
    find: () => findBinary(['chromium', 'chromium-browser', 'google-chrome']),
    debianPackage: 'chromium',
    alternative: 'set TEST_CHROMIUM to its path',
  });
}
