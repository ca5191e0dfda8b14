// Runs a TypeScript file of the tests in a process of its own: node run-ts.cjs file.ts
const { resolve } = require('node:path');
const process = require('node:process');
const { transformFileSync } = require('@swc/core');

require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file).code, file);
require(resolve(process.argv[2]));
