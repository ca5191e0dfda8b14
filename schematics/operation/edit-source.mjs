import ts from 'typescript';

/** Adds `import { name } from 'from'` after the last import of a file, unless the name is imported already. */
export function addImport(source, name, from) {
  const file = parse(source);
  const imports = file.statements.filter(ts.isImportDeclaration);
  const known = imports.some((one) => {
    const named = one.importClause?.namedBindings;
    return named && ts.isNamedImports(named) && named.elements.some((element) => element.name.text === name);
  });
  if (known) return source;
  const same = imports.find((one) => one.moduleSpecifier.text === from);
  const named = same?.importClause?.namedBindings;
  if (named && ts.isNamedImports(named)) return insert(source, named.elements.end, `, ${name}`);
  return insert(source, imports.at(-1)?.end ?? 0, `\nimport { ${name} } from '${from}';\n`);
}

/** Adds an entry to the first array that stands as property `key` of an object; makes it in the @Module where there is none. */
export function addToList(source, key, entry) {
  const file = parse(source);
  const list = find(
    file,
    (node) =>
      ts.isPropertyAssignment(node) && node.name.getText(file) === key && ts.isArrayLiteralExpression(node.initializer),
  )?.initializer;
  if (list) return addElement(source, list, entry);
  const module = find(
    file,
    (node) => ts.isCallExpression(node) && node.expression.getText(file) === 'Module' && node.arguments.length === 1,
  );
  if (!module) throw new Error('This file has no @Module({...}) to add to. Add the operation by hand.');
  return insert(source, module.arguments[0].getStart(file) + 1, ` ${key}: [${entry}], `);
}

/** Adds an operation type to `JobsModule.forFeature([...])`, which it writes where there is none. */
export function addFeatureOperation(source, contract) {
  const file = parse(source);
  const call = find(
    file,
    (node) => ts.isCallExpression(node) && node.expression.getText(file) === 'JobsModule.forFeature',
  );
  if (call && ts.isArrayLiteralExpression(call.arguments[0])) return addElement(source, call.arguments[0], contract);
  return addToList(source, 'imports', `JobsModule.forFeature([${contract}])`);
}

function addElement(source, list, entry) {
  const last = list.elements.at(-1);
  return last ? insert(source, last.end, `, ${entry}`) : insert(source, list.end - 1, entry);
}

function parse(source) {
  return ts.createSourceFile('module.ts', source, ts.ScriptTarget.Latest, true);
}

function find(node, matches) {
  return matches(node) ? node : ts.forEachChild(node, (child) => find(child, matches));
}

function insert(source, at, text) {
  return source.slice(0, at) + text + source.slice(at);
}
