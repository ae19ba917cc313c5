/**
 * Which part of the source may use which. Arrows point one way:
 * `cli` -> everything; `worker` -> `facewise` and what it uses; `facewise` -> `detect`, `embed`, `attributes`, `store`, `train` and what these use; `detect`, `embed`, `attributes`, `train` -> `models`, `image`, `backends`; `models`, `image` -> `backends`; `store` -> nothing
 * of these; all -> `errors.ts`; `embed`, `store`, `attributes`, `train` -> `metrics.ts`; `embed`, `attributes`, `train` -> `alignment.ts` -> `models`, `image`.
 *
 * `test/architecture.test.ts` holds these rules, and holds that each of them finds what it forbids.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'unknown-part',
      comment: 'A new folder or file of src/ needs its place among the arrows: add it to the rules below.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(index|errors|metrics|alignment)\\.ts$|^src/(cli|worker|facewise|detect|embed|attributes|store|train|models|image|backends)/',
      },
      to: {},
    },
    {
      name: 'errors-use-nothing',
      severity: 'error',
      from: { path: '^src/errors\\.ts$' },
      to: {},
    },
    {
      name: 'metrics-use-errors-only',
      severity: 'error',
      from: { path: '^src/metrics\\.ts$' },
      to: { pathNot: '^src/errors\\.ts$' },
    },
    {
      name: 'store-stands-alone',
      comment: 'A store keeps vectors: it knows nothing of pictures, networks or TensorFlow.js.',
      severity: 'error',
      from: { path: '^src/store/' },
      to: { path: '^src/|@tensorflow/', pathNot: '^src/store/|^src/(errors|metrics)\\.ts$' },
    },
    {
      name: 'backends-use-errors-only',
      severity: 'error',
      from: { path: '^src/backends/' },
      to: { path: '^src/', pathNot: '^src/backends/|^src/errors\\.ts$' },
    },
    {
      name: 'models-and-image-stand-on-backends',
      severity: 'error',
      from: { path: '^src/(models|image)/' },
      to: { path: '^src/', pathNot: '^src/$1/|^src/backends/|^src/errors\\.ts$' },
    },
    {
      name: 'detect-stands-on-models-and-image',
      severity: 'error',
      from: { path: '^src/detect/' },
      to: { path: '^src/', pathNot: '^src/(detect|models|image|backends)/|^src/errors\\.ts$' },
    },
    {
      name: 'embed-stands-on-models-and-image',
      comment: 'A face is anything with a box and landmarks: embed knows nothing of how it was found.',
      severity: 'error',
      from: { path: '^src/embed/' },
      to: { path: '^src/', pathNot: '^src/(embed|models|image|backends)/|^src/(errors|metrics|alignment)\\.ts$' },
    },
    {
      name: 'attributes-stand-on-models-and-image',
      comment: 'They take a face, and vectors of it, from wherever these come.',
      severity: 'error',
      from: { path: '^src/attributes/' },
      to: { path: '^src/', pathNot: '^src/(attributes|models|image|backends)/|^src/(errors|metrics|alignment)\\.ts$' },
    },
    {
      name: 'train-stands-on-models-and-image',
      comment: 'It learns from numbers; whoever calls brings embedders and error rates.',
      severity: 'error',
      from: { path: '^src/train/' },
      to: { path: '^src/', pathNot: '^src/(train|models|image|backends)/|^src/(errors|metrics|alignment)\\.ts$' },
    },
    {
      name: 'alignment-stands-on-models-and-image',
      comment: 'How a face is cut out for a network: embedders and classifiers share it.',
      severity: 'error',
      from: { path: '^src/alignment\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(models|image)/|^src/errors\\.ts$' },
    },
    {
      name: 'facewise-composes',
      comment: 'The composed object uses the parts; no part knows of it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(facewise|worker|cli)/|^src/index\\.ts$' },
      to: { path: '^src/facewise/' },
    },
    {
      name: 'worker-is-outermost',
      comment: 'Workers run the composed object; it and its parts do not know where they run.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(worker|cli)/' },
      to: { path: '^src/worker/' },
    },
    {
      name: 'nothing-uses-the-index',
      comment: 'src/index.ts is for users; parts name what they need.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'nothing-uses-the-command',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'node-modules-in-node-files',
      comment: 'Modules of Node are for *.node.ts and the command: everything else also runs in a browser.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.node\\.ts$|^src/cli/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'browser-files-through-platform',
      comment: 'A *.browser.ts file is chosen by a condition (#platform/...), never named.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.browser\\.ts$' },
      to: { path: '\\.browser\\.ts$', dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'node-files-through-platform',
      comment: 'A *.node.ts file is chosen by a condition (#platform/...), never named; the command runs only in Node.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.node\\.ts$|^src/cli/' },
      to: { path: '\\.node\\.ts$', dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'tensorflow-when-needed',
      comment:
        'TensorFlow.js registers globals when it is loaded; importing this library must not do that. Use import().',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '@tensorflow/', dynamic: false, dependencyTypesNot: ['type-only', 'type-import'] },
    },
    {
      name: 'only-what-is-installed',
      comment: 'A development dependency is not there for those who install the package.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional', 'type-only', 'type-import'],
      },
    },
    {
      name: 'nothing-outside',
      comment: 'Only src/ is built; of the rest, manifests and package.json are taken in.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['local'], pathNot: '^src/|^models/[^/]+/manifest\\.json$|^package\\.json$' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Types count: a part that knows another's types depends on it.
    tsPreCompilationDeps: true,
  },
}
