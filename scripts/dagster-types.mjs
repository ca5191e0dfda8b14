// `npm run dagster:types`: makes src/dagster/statements.generated.ts from the statements beside it and the schema of
// Dagster's API, so that what the client reads is what the API answers. With --check it changes nothing and fails where
// the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import { Kind, parse, print } from 'graphql';
import { format, resolveConfig } from 'prettier';
import { root } from './prepare.mjs';

const folder = join(root, 'src', 'dagster');
const target = join(folder, 'statements.generated.ts');
const read = (name) => parse(readFileSync(join(folder, name), 'utf8'));
const statements = read('statements.graphql');

const types = await codegen({
  filename: target,
  schema: read('schema.graphql'),
  documents: [{ location: 'statements.graphql', document: statements }],
  plugins: [{ operations: {} }],
  pluginMap: { operations },
  config: {
    onlyOperationTypes: true,
    preResolveTypes: true,
    enumsAsTypes: true,
    skipTypename: true,
    nonOptionalTypename: true,
    avoidOptionals: false,
    useTypeImports: true,
    scalars: { RunConfigData: 'object', GenericScalar: 'unknown', JsonSchema: 'unknown' },
  },
});

const constants = statements.definitions
  .filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  .map((definition) => {
    const name = definition.name.value;
    const kind = definition.operation === 'mutation' ? 'Mutation' : 'Query';
    return `export const ${name}: Statement<${name}${kind}, ${name}${kind}Variables> = {
      name: '${name}', text: \`${print(definition)}\` };`;
  });
const source = `// Made by \`npm run dagster:types\` from schema.graphql and statements.graphql. Do not edit.

/** A statement of Dagster's API, with the types of its answer and of its variables. */
export interface Statement<Answer, Variables> {
  readonly name: string;
  readonly text: string;
  /** Never there: carries the types alone. */
  readonly types?: (variables: Variables) => Answer;
}

${types}
${constants.join('\n\n')}
`;
const made = await format(source, { ...(await resolveConfig(target)), parser: 'typescript' });

if (!process.argv.includes('--check')) writeFileSync(target, made);
else if (readFileSync(target, 'utf8') !== made) {
  console.error(`${target} is not what its sources say. Run npm run dagster:types and commit it.`);
  process.exit(1);
}
