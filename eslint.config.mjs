import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Globals that the pages use. */
const BROWSER_GLOBALS = [
  'AbortController',
  'AbortSignal',
  'EventSource',
  'URLSearchParams',
  'clearInterval',
  'clearTimeout',
  'crypto',
  'document',
  'fetch',
  'navigator',
  'performance',
  'setInterval',
  'setTimeout',
  'window',
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'client/dist/',
      'examples/*/dist/',
      'examples/*/.next/',
      'examples/*/next-env.d.ts',
      '.test-build/',
      'test/bench/.build/',
      // Its packages are installed only when the benchmark runs.
      'test/bench/servers/nestjs/',
      'coverage/',
      'data/',
    ],
  },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  prettier,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // A Nest module is a class without members.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // An interface may require an async method that has nothing to await.
      '@typescript-eslint/require-await': 'off',
      // An abstract class is an injection token, which any class or object can implement.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/explicit-member-accessibility': ['error', { accessibility: 'no-public' }],
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config reads the environment.' },
      ],
    },
  },
  {
    // Code that runs for every request.
    files: [
      'src/http/**',
      'src/otp/**',
      'src/throttling/**',
      'src/observability/event-logger.ts',
      'src/providers/*.ts',
      'src/storage/**',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          // V8 11 creates new hidden classes for each object; only a full garbage collection removes them.
          selector: 'ObjectExpression[properties.length>1] > SpreadElement:first-child',
          message: 'Spread last: each property after a spread costs a microsecond on Node 20.',
        },
      ],
    },
  },
  {
    files: ['src/config/**', 'test/**', 'src/sandbox/environment.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  { files: ['src/sandbox/main.ts', 'src/cli/**'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**'],
    rules: {
      // supertest and JSON.parse return `any`; the assertions check the values.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowAny: true, allowNumber: true },
      ],
      // A table of test cases is long but not complicated.
      'max-lines': 'off',
    },
  },
  { files: ['**/*.mjs', '**/*.cjs'], extends: [tseslint.configs.disableTypeChecked] },
  {
    // The root does not install what the examples import; each is compiled by its own build.
    files: ['examples/**'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-console': 'off', 'no-restricted-properties': 'off' },
  },
  {
    // Nest reads the types of constructor parameters when it runs, so their imports are values.
    files: ['examples/nestjs/**'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  {
    // These log with console, so that what they show needs no library.
    files: ['examples/*.mjs', 'examples/{react-vite,nextjs}/**'],
    languageOptions: { globals: { console: 'readonly', fetch: 'readonly', process: 'readonly' } },
  },
  {
    // Browsers run the files of the pages unchanged; they are not compiled and have no types.
    files: ['src/{demo,sandbox}/page/*.js', 'examples/*/public/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: Object.fromEntries(BROWSER_GLOBALS.map((name) => [name, 'readonly'])),
    },
  },
);
