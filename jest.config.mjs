import { SWC_OPTIONS } from './test/support/swc-options.mjs';

/** Packages that ship ES modules only: jest loads CommonJS, so they are compiled like our own code. */
const esModules = [
  '@nestjs',
  '@tokenizer',
  '@borewit',
  'file-type',
  'iterare',
  'load-esm',
  'strtok3',
  'token-types',
  'uid',
  'uint8array-extras',
].join('|');

const shared = {
  roots: ['<rootDir>/test'],
  testEnvironment: '<rootDir>/test/support/jest/environment.ts',
  // Its peers are packages of its own.
  modulePathIgnorePatterns: ['<rootDir>/test/bench/'],
  setupFiles: ['reflect-metadata'],
  transform: { '\\.[jt]s$': ['@swc/jest', { ...SWC_OPTIONS, module: { type: 'commonjs' } }] },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  moduleNameMapper: {
    // A thread of its own runs what is built, in tests too.
    '/sqlite-worker-url\\.js$': '<rootDir>/test/support/built-sqlite-worker.ts',
    // Source is imported by the name that it has once built.
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Sinch's client reads a version number out of a package that it forgot to depend on.
    '^@sinch/sdk-core/package\\.json$': '<rootDir>/node_modules/@sinch/verification/package.json',
  },
};

/** One tier. Its servers start when the first test needs them. */
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
  // To end what hangs, not to measure; the environment scales it to the machine.
  testTimeout: 30_000,
  // Most of a spec's time is waiting for servers, so two share even one core well.
  maxWorkers: 2,
  reporters: ['<rootDir>/test/support/jest/slowest-files-reporter.mjs', 'default', 'summary'],
  projects: [
    { ...tier('unit', ['unit']), testMatch: ['<rootDir>/test/{,unit/**/}*.spec.ts'] },
    tier('contract', ['contract'], withServices),
    tier('e2e', ['e2e'], withServices),
    tier('slow', ['slow', 'browser'], withServices),
  ],
};
