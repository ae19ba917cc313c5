/** A block of the documentation that no test runs, and why. It is still type-checked where it is TypeScript. */
export interface NotRun {
  readonly page: string
  /** A part of the block by which it is known. */
  readonly text: string
  readonly reason: string
}

/** Whatever is neither run nor here fails the tests; what is here and does not occur fails them too. */
export const notRun: readonly NotRun[] = [
  {
    page: 'docs/getting-models.md',
    text: 'ENV FACEWISE_MODEL_DIR',
    reason: 'Lines of a Dockerfile: they need Docker, a network, and 94 MB of weights.',
  },
  {
    page: 'docs/getting-models.md',
    text: "source: '/models/facenet-512/'",
    reason: 'Needs the weights of FaceNet (47 MB), which are pulled and never in a clone.',
  },
  ...[
    'serverExternalPackages',
    "'use client'",
    'let facewise',
    '<script type="module">',
    '<script type="importmap">',
    "default-src 'none'",
    'esbuild main.js --bundle',
    'mkdir -p site/facewise',
  ].map(text => ({
    page: 'docs/bundlers.md',
    text,
    reason: 'A part of an app: test/bundlers builds and opens whole ones.',
  })),
  {
    page: 'docs/migration.md',
    text: '// with-human.mjs',
    reason: 'Needs a server with the models of human: test/docs/migration.test.ts runs it beside one.',
  },
  {
    page: 'docs/thresholds.md',
    text: 'path_a,path_b,same',
    reason: 'The form of a list of pairs: test/cli/evaluate.test.ts reads such lists.',
  },
  {
    page: 'docs/cli.md',
    text: '$ facewise bench',
    reason: 'Times, which are others on every computer: test/cli/bench.test.ts holds the form of the table.',
  },
  { page: 'examples/browser-playground/README.md', text: 'index.html  ', reason: 'A drawing of the folders.' },
  { page: 'examples/web-auth/README.md', text: 'main.ts settings.ts', reason: 'A drawing of the folders.' },
  { page: 'CONTRIBUTING.md', text: 'src/\n  index.ts', reason: 'A drawing of the folders.' },
  {
    page: 'examples/node-quickstart/README.md',
    text: 'is ada, distance',
    reason: 'What the example prints: test/examples runs it.',
  },
  {
    page: 'examples/store-adapters/README.md',
    text: 'sqlite, durable',
    reason: 'What the example prints: test/examples runs it.',
  },
]
