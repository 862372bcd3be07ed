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

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // Its peers are packages of its own.
  modulePathIgnorePatterns: ['<rootDir>/test/bench/'],
  // Real servers on a busy machine: a limit is there to end what hangs, not to measure.
  testTimeout: 30_000,
  // Most of a spec's time is waiting for servers, so two share even one core well.
  maxWorkers: 2,
  // A test that fails may leave its servers running: the run ends all the same.
  forceExit: true,
  setupFiles: ['reflect-metadata'],
  globalSetup: '<rootDir>/test/support/services/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/services/global-teardown.ts',
  transform: {
    '\\.[jt]s$': [
      '@swc/jest',
      {
        module: { type: 'commonjs' },
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  moduleNameMapper: {
    // A thread of its own runs what is built, in tests too.
    '/sqlite-thread-file\\.js$': '<rootDir>/test/support/built-sqlite-thread.ts',
    // Source is imported by the name that it has once built.
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Sinch's client reads a version number out of a package that it forgot to depend on.
    '^@sinch/sdk-core/package\\.json$': '<rootDir>/node_modules/@sinch/verification/package.json',
  },
};
