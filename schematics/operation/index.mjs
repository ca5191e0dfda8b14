// npx nest g operation <feature>/<verb-noun>: a type of operation with all that belongs to it, ready to run.
import core from '@angular-devkit/core';
import schematics from '@angular-devkit/schematics';
import prettier from 'prettier';
import { addFeatureOperation, addImport, addToList } from './edit-source.mjs';

const { strings } = core;
const { apply, applyTemplates, chain, mergeWith, move, SchematicsException, url } = schematics;

const NAME = /^([a-z][a-z0-9-]*)\/([a-z][a-z0-9]*(?:-[a-z0-9]+)+)$/;

export function operation({ name, sourceRoot }) {
  const names = namesOf(name);
  const folder = `/${sourceRoot}/${names.feature}`;
  return chain([
    (tree) => {
      if (tree.exists(`${folder}/${names.operation}.processor.ts`)) {
        throw new SchematicsException(`${names.operation}.processor.ts is there already. Choose another name.`);
      }
    },
    mergeWith(apply(url('./files'), [applyTemplates(names), move(folder)])),
    writeContract(folder, names),
    wireModule(folder, sourceRoot, names),
    formatAll,
  ]);
}

/** All the spellings of a name such as backups/create-backup. */
function namesOf(name) {
  const [, feature, operationName] = NAME.exec(strings.dasherize(name)) ?? [];
  if (!feature) {
    throw new SchematicsException(`"${name}" is not <feature>/<verb-noun>, such as backups/create-backup.`);
  }
  const [verb, ...noun] = operationName.split('-');
  const idWire = `${noun.join('_')}_id`;
  return {
    feature,
    operation: operationName,
    className: strings.classify(operationName),
    moduleName: `${strings.classify(feature)}Module`,
    // The name of the type and of its queue, as the others are called: what, then what is done with it.
    type: `${noun.join('_')}_${verb}`,
    idWire,
    idField: strings.camelize(idWire),
    words: strings.capitalize(operationName.replaceAll('-', ' ')),
  };
}

function writeContract(folder, { feature, className, type, idField, words }) {
  return (tree) => {
    const path = `${folder}/${feature}.operations.ts`;
    let source = tree.exists(path) ? tree.readText(path) : '';
    source = addImport(source, 'IsUUID', 'class-validator');
    source = addImport(source, 'defineOperation', '../operations/define-operation');
    source += `
      export class ${className}Payload {
        @IsUUID()
        ${idField}: string;
      }

      /** ${words}. */
      export const ${className} = defineOperation({
        name: '${type}',
        locks: 'graph',
        retryRole: 'member',
        payload: ${className}Payload,
        policy: { attempts: 3, backoffMs: 2_000, timeoutMs: 900_000, concurrency: 2, cancellable: true, retentionDays: 30 },
      });
    `;
    write(tree, path, source);
  };
}

function wireModule(folder, sourceRoot, { feature, operation: operationName, className, moduleName }) {
  return (tree) => {
    const path = `${folder}/${feature}.module.ts`;
    const isNew = !tree.exists(path);
    let source = isNew
      ? `import { Module } from '@nestjs/common';\n\n@Module({})\nexport class ${moduleName} {}\n`
      : tree.readText(path);
    source = addToList(source, 'providers', `${className}Processor`);
    source = addFeatureOperation(source, className);
    source = addImport(source, 'JobsModule', '../jobs/jobs.module');
    source = addImport(source, className, `./${feature}.operations`);
    source = addImport(source, `${className}Processor`, `./${operationName}.processor`);
    write(tree, path, source);
    if (isNew) {
      const root = `/${sourceRoot}/app.module.ts`;
      const wired = addToList(tree.readText(root), 'imports', moduleName);
      write(tree, root, addImport(wired, moduleName, `./${feature}/${feature}.module`));
    }
  };
}

/** As `npm run format` would leave it. */
async function formatAll(tree) {
  const options = JSON.parse(tree.readText('/.prettierrc.json'));
  for (const { path, kind } of tree.actions) {
    if (kind === 'd' || !path.endsWith('.ts')) continue;
    tree.overwrite(path, await prettier.format(tree.readText(path), { ...options, parser: 'typescript' }));
  }
}

function write(tree, path, source) {
  if (tree.exists(path)) tree.overwrite(path, source);
  else tree.create(path, source);
}
