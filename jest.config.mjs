import { SWC_OPTIONS } from './test/support/swc-options.mjs';

/**
 * Packages with ES modules only, or with a dynamic import. jest loads CommonJS, so they are compiled like
 * this project's code.
 */
const esModules = [
  '@nestjs',
  '@opentelemetry/otlp-exporter-base',
  '@tokenizer',
  '@borewit',
  'file-type',
  'iterare',
  'jose',
  'load-esm',
  'strtok3',
  'token-types',
  'uid',
  'uint8array-extras',
].join('|');

const shared = {
  roots: ['<rootDir>/test'],
  testEnvironment: '<rootDir>/test/support/jest/environment.ts',
  // The benchmark has its own package.json and dependencies.
  modulePathIgnorePatterns: ['<rootDir>/test/bench/'],
  setupFiles: ['reflect-metadata'],
  transform: { '\\.[jt]s$': ['@swc/jest', { ...SWC_OPTIONS, module: { type: 'commonjs' } }] },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  moduleNameMapper: {
    // Worker threads run built code, in tests too.
    '/sqlite-worker-url\\.js$': '<rootDir>/test/support/built-sqlite-worker.ts',
    // Source files are imported by the name of their built file.
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Sinch's client reads a version from a package that is missing in its dependencies.
    '^@sinch/sdk-core/package\\.json$': '<rootDir>/node_modules/@sinch/verification/package.json',
  },
};

/** Set-up of tiers with servers, each of which starts when the first test needs it. */
const withServices = {
  globalSetup: '<rootDir>/test/support/jest/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.ts',
};
const tier = (displayName, folders, setup = {}) => ({
  ...shared,
  ...setup,
  displayName,
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.spec.ts`),
});

/** @type {import('jest').Config} */
export default {
  // Only ends tests that hang; the environment scales it to the machine.
  testTimeout: 60_000,
  // A spec mostly waits for servers, so two workers are useful even on one core.
  maxWorkers: 2,
  // Node keeps much of a finished spec's memory: without new workers, 3 GB each by the end of the run.
  workerIdleMemoryLimit: '1GB',
  reporters: ['<rootDir>/test/support/jest/slowest-files-reporter.mjs', 'default', 'summary'],
  projects: [
    { ...tier('unit', ['unit']), testMatch: ['<rootDir>/test/{,unit/**/}*.spec.ts'] },
    tier('contract', ['contract'], withServices),
    tier('e2e', ['e2e'], withServices),
    tier('examples', ['examples'], withServices),
    tier('slow', ['slow', 'browser'], withServices),
  ],
};
