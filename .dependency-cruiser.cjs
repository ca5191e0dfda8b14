/**
 * The walls of the house: features lean on what lies below them, never on what stands beside or above
 * (docs/architecture.md, "Modules").
 */
const LAYERS = [
  ['common', 'config'],
  ['database', 'storage', 'engine', 'audit'],
  ['auth', 'orgs', 'limits', 'idempotency'],
  ['operations'],
  ['jobs'],
  ['graphs', 'schemas', 'dagster'],
  ['staging', 'materialization', 'queries', 'subgraphs', 'backups', 'repositories'],
  ['billing'],
  ['provisioning'],
  ['usage'],
  ['telemetry'],
  ['cli'],
];
const folders = (names) => `^src/(${names.join('|')})/`;
const SPEC = '\\.spec\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one thing, or lack a third that both can lean on.',
      severity: 'error',
      from: { pathNot: 'entity\\.ts$' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...LAYERS.slice(0, -1).map((names, level) => ({
      name: `upward-from-${names.join('-')}`,
      comment: `${names.join(', ')} may not import a layer above: dependencies point one way, so that each layer can be read and tested without the next.`,
      severity: 'error',
      from: { path: folders(names), pathNot: SPEC },
      to: { path: folders(LAYERS.slice(level + 1).flat()), dependencyTypesNot: ['type-only'] },
    })),
    {
      name: 'private-rooms',
      comment:
        "A feature's repository, entity, processor and controller are its own: ask its service, so that its rules hold (types may be named; jobs and operations are two halves of one thing).",
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: SPEC },
      to: {
        path: '^src/[^/]+/.*\\.(repository|entity|processor|controller)\\.ts$',
        pathNot: ['^src/$1/', '^src/operations/operations\\.repository\\.ts$'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'operations-for-jobs-only',
      comment:
        'Only jobs write the rows of operations beside the service: everybody else begins and awaits operations through OperationsService.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(jobs|operations)/', SPEC] },
      to: { path: '^src/operations/operations\\.repository\\.ts$' },
    },
    {
      name: 'engine-behind-its-port',
      comment:
        'Only engine/ knows which engine runs: everybody else speaks to GraphEngine, so that another engine can take its place.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/engine/|\\.spec\\.ts$' },
      to: { path: '^src/engine/ladybug/|node_modules/@ladybugdb' },
    },
    {
      name: 'not-to-tests',
      comment: 'The program may not need its tests to run.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: '^test/|\\.spec\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '^dist' },
  },
};
