import { handleSignals } from './signals.js';

// First of all: loading the application takes most of the start.
handleSignals();

try {
  const { bootstrap } = await import('./bootstrap.js');
  await bootstrap();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
