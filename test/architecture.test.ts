import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const rules = await extractOptions(join(root, '.dependency-cruiser.cjs'))

/** The dependencies of the source below `baseDir`, as they are on one platform. */
async function graph(platform: 'node' | 'browser', baseDir: string): Promise<ICruiseResult> {
  const { output } = await cruise(
    ['src'],
    { ...rules, baseDir },
    { conditionNames: [platform, 'import', 'types', 'default'], exportsFields: ['exports'], mainFields: ['main'] },
  )
  return output as ICruiseResult
}

const violationsOf = ({ summary }: ICruiseResult): string[] =>
  summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)

describe.each(['node', 'browser'] as const)('the parts on the platform %s', platform => {
  it('use each other one way only', async () => {
    const result = await graph(platform, root)
    expect(violationsOf(result)).toEqual([])
    // Nothing found because nothing was looked at would be no proof.
    const dependencies = result.modules.filter(m => m.source.startsWith('src/')).flatMap(m => m.dependencies)
    expect(result.modules.length).toBeGreaterThan(40)
    expect(dependencies.length).toBeGreaterThan(100)
    const chosen = dependencies.filter(d => d.module.startsWith('#platform/')).map(d => d.resolved)
    expect(chosen.length).toBeGreaterThanOrEqual(3)
    for (const path of chosen) expect(path).toMatch(new RegExp(`^src/.*\\.${platform}\\.ts$`))
    expect(dependencies.some(d => d.dynamic && d.resolved.includes('@tensorflow/tfjs-core'))).toBe(true)
  })
})

describe('each rule', () => {
  /** A small source tree in which every rule is broken once: file, contents, and the rule that must say so. */
  const broken: readonly (readonly [rule: string, file: string, contents: string])[] = [
    ['unknown-part', 'src/helpers/a.ts', "import '../errors.ts'"],
    ['errors-use-nothing', 'src/errors.ts', "import './backends/good.ts'"],
    ['metrics-use-errors-only', 'src/metrics.ts', "import './backends/good.ts'"],
    ['store-stands-alone', 'src/store/a.ts', "import '../models/good.ts'"],
    ['store-stands-alone', 'src/store/b.ts', "import '../embed/good.ts'"],
    ['backends-use-errors-only', 'src/backends/a.ts', "import type { A } from '../models/good.ts'\nexport type B = A"],
    ['models-and-image-stand-on-backends', 'src/models/a.ts', "import '../image/good.ts'"],
    ['models-and-image-stand-on-backends', 'src/image/a.ts', "import '../detect/good.ts'"],
    ['detect-stands-on-models-and-image', 'src/detect/a.ts', "import '../cli/good.ts'"],
    ['detect-stands-on-models-and-image', 'src/detect/c.ts', "import '../embed/good.ts'"],
    ['embed-stands-on-models-and-image', 'src/embed/a.ts', "import '../detect/good.ts'"],
    ['attributes-stand-on-models-and-image', 'src/attributes/a.ts', "import '../embed/good.ts'"],
    ['attributes-stand-on-models-and-image', 'src/attributes/b.ts', "import '../detect/good.ts'"],
    ['train-stands-on-models-and-image', 'src/train/a.ts', "import '../embed/good.ts'"],
    ['alignment-stands-on-models-and-image', 'src/alignment.ts', "import './backends/good.ts'"],
    ['facewise-composes', 'src/image/g.ts', "import '../facewise/good.ts'"],
    ['worker-is-outermost', 'src/facewise/h.ts', "import '../worker/good.ts'"],
    ['nothing-uses-the-index', 'src/detect/b.ts', "import '../index.ts'"],
    ['nothing-uses-the-command', 'src/image/b.ts', "export * from '../cli/good.ts'"],
    ['no-cycles', 'src/cli/a.ts', "import './back.ts'"],
    ['node-modules-in-node-files', 'src/image/c.ts', "const fs = await import('node:fs')\nexport default fs"],
    ['node-modules-in-node-files', 'src/image/d.browser.ts', "import 'node:path'"],
    ['browser-files-through-platform', 'src/image/e.ts', "import './good.browser.ts'"],
    ['node-files-through-platform', 'src/image/f.ts', "import './good.node.ts'"],
    ['tensorflow-when-needed', 'src/backends/b.ts', "import { tensor } from '@tensorflow/tfjs-core'\ntensor(1)"],
    ['tensorflow-when-needed', 'src/cli/c.ts', "import '@tensorflow/tfjs-core'"],
    ['only-what-is-installed', 'src/models/b.ts', "import 'vite'"],
    ['only-what-is-installed', 'src/models/c.ts', "import 'stray'"],
    ['nothing-outside', 'src/models/d.ts', "import '../../scripts/good.ts'"],
    ['resolvable', 'src/models/e.ts', "import './missing.ts'"],
  ]
  const allowed: Record<string, string> = {
    'package.json': JSON.stringify({
      type: 'module',
      imports: { '#platform/image': { browser: './src/image/good.browser.ts', default: './src/image/good.node.ts' } },
      devDependencies: { vite: '1.0.0' },
      peerDependencies: { '@tensorflow/tfjs-core': '1.0.0' },
    }),
    'tsconfig.json': '{}',
    'scripts/good.ts': 'export {}',
    'src/index.ts': "export * from './detect/good.ts'",
    'src/backends/good.ts':
      "import type { Tensor } from '@tensorflow/tfjs-core'\nexport const tf = (): Promise<Tensor> => import('@tensorflow/tfjs-core')",
    'src/models/good.ts': "import '../backends/good.ts'\nexport type A = 1",
    'src/image/good.ts': "import '#platform/image'",
    'src/image/good.node.ts': "import 'node:fs'",
    'src/image/good.browser.ts': 'export {}',
    'src/detect/good.ts': "import '../image/good.ts'\nimport '../models/good.ts'",
    'src/embed/good.ts': "import '../image/good.ts'\nimport '../models/good.ts'",
    'src/attributes/good.ts': "import '../image/good.ts'\nimport '../models/good.ts'",
    'src/train/good.ts': "import '../image/good.ts'\nimport '../models/good.ts'",
    'src/facewise/good.ts': "import '../detect/good.ts'\nimport '../store/good.ts'",
    'src/worker/good.ts': "import '../facewise/good.ts'",
    'src/store/good.ts': "import '../errors.ts'",
    'src/cli/back.ts': "import './a.ts'",
    'src/cli/good.ts': "import 'node:fs'\nimport '../index.ts'\nimport '../image/good.node.ts'",
    ...Object.fromEntries(
      ['@tensorflow/tfjs-core', 'vite', 'stray'].flatMap(name => [
        [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
        [`node_modules/${name}/index.js`, 'module.exports = {}'],
      ]),
    ),
  }

  let folder: string
  let found: string[]
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'facewise-architecture-'))
    const files = [...Object.entries(allowed), ...broken.map(([, file, contents]) => [file, contents] as const)]
    for (const [file, contents] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), contents)
    }
    found = violationsOf(await graph('node', folder))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(broken)('%s is found in %s', (rule, file) => {
    expect(found.filter(v => v.startsWith(`${rule}: ${file} -> `))).toHaveLength(1)
  })

  it('is tried here', () => {
    const names = (rules.ruleSet?.forbidden ?? []).map(rule => rule.name)
    expect(new Set(broken.map(([rule]) => rule))).toEqual(new Set(names))
  })

  it('lets through what is allowed', () => {
    expect(found.filter(v => /^[\w-]+: src\/(\w+\/)?(good|index)/.test(v))).toEqual([])
  })
})
