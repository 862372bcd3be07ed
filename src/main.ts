import { handleSignals } from './signals.js';

// Handle signals before the application is loaded, which takes most of the start-up time.
handleSignals();

try {
  const { bootstrap } = await import('./bootstrap.js');
  await bootstrap();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
