import { describe, expect, test } from 'vitest'
import { type Manifest, parseManifest } from '../../src/models/manifest.ts'
import { type PackagedName, packagedManifests } from '../../src/models/packaged.ts'

/** A copy of a packaged manifest with one thing changed; untyped, as a file would be. */
function changed(path: string, value: unknown, name: PackagedName = 'mtcnn'): unknown {
  const copy = structuredClone(packagedManifests[name]) as unknown as Record<string, unknown>
  const keys = path.split('.')
  const last = keys.pop()!
  const parent = keys.reduce<Record<string, unknown>>((object, key) => object[key] as Record<string, unknown>, copy)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

describe('manifests', () => {
  test.each(Object.keys(packagedManifests) as PackagedName[])('of %s: valid, and comes back as it is', name => {
    expect(JSON.stringify(parseManifest(packagedManifests[name]))).toBe(JSON.stringify(packagedManifests[name]))
  })

  test.each([
    ['schema', 2],
    ['schema', undefined],
    ['name', ''],
    ['name', '../mtcnn'],
    ['title', 7],
    ['task', 'cooking'],
    ['input.channels', 'bgra'],
    ['input.mean', [1, 2]],
    ['input.mean', Number.POSITIVE_INFINITY],
    ['input.mean', '127.5'],
    ['input.divisor', 0],
    ['input.divisor', Number.NaN],
    ['networks', []],
    ['networks.0.name', 'P-Net!'],
    ['networks.0.graph.bytes', 0],
    ['networks.0.graph.bytes', 1.5],
    ['networks.0.graph.sha256', 'abc'],
    ['networks.0.graph.sha256', undefined],
    ['networks.1.weights', []],
    ['networks.1.weights.0.path', ''],
    ['networks.1.inputSize', 'some'],
    ['networks.1.output', []],
    ['networks.1.output', 0],
    ['embedding', { dimension: 128 }],
    ['licence.spdx', undefined],
    ['source.sha256', 'z'.repeat(64)],
    ['something', 'unknown'],
  ])('%s: %s is refused by its name', (path, value) => {
    let message = ''
    try {
      parseManifest(changed(path, value))
    } catch (error) {
      expect(error).toMatchObject({ name: 'FacewiseError', code: 'MODEL_INVALID' })
      message = (error as Error).message
    }
    expect(message).toContain(path)
  })

  const box = { kind: 'box', margin: { x: 0.15, y: 0.1, unit: 'share' } }
  const rate = { fmr: 1e-3, threshold: 0.5, fmrInterval: [5e-4, 2e-3], fnmr: 0.03, fnmrInterval: [0.02, 0.04] }
  const thresholds = { measuredOn: 'somewhere', genuine: 2208, impostor: 5_900_000, rates: [rate] }

  test.each([
    ['embedding', undefined],
    ['embedding.dimension', 127],
    ['embedding.metric', 'manhattan'],
    ['embedding.mirror', undefined],
    ['embedding.centre', [1, 2, 3]],
    ['embedding.alignment.kind', 'eyes'],
    ['embedding.alignment.template.4', undefined],
    ['embedding.alignment.template.0.1', '46.6'],
    ['embedding.alignment.margin', { x: 0, y: 0, unit: 'share' }],
    ['embedding.alignment', { ...box, margin: { x: 1, y: 1, unit: 'inches' } }, 'embedding.alignment.margin.unit'],
    ['embedding.thresholds', { ...thresholds, genuine: 0 }, 'embedding.thresholds.genuine'],
    ['embedding.thresholds', { ...thresholds, rates: [{ ...rate, fmr: 2 }] }, 'embedding.thresholds.rates.0.fmr'],
    ['embedding.calibration', { slope: -9 }, 'embedding.calibration.intercept'],
    ['networks.0.output', 64, 'embedding.dimension'],
  ])('of an embedder, %s: %j is refused by its name', (path, value, named = path) => {
    expect(() => parseManifest(changed(path, value, 'dlib-resnet-128'))).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(named) }),
    )
  })

  test.each([
    ['embedding.alignment', box],
    ['embedding.alignment', { ...box, margin: { x: 22, y: 22, unit: 'pixels' }, square: true }],
    ['embedding.centre', Array(128).fill(0.01)],
    ['embedding.thresholds', thresholds],
    ['embedding.calibration', { slope: -9, intercept: 5 }],
    ['input.channels', 'bgr'],
    ['source.sha256', undefined],
    ['source.paper', undefined],
  ])('of an embedder, %s: %j is taken', (path, value) => {
    const manifest = changed(path, value, 'dlib-resnet-128')
    expect(parseManifest(manifest)).toEqual(manifest)
  })

  test.each([
    ['classification', undefined],
    ['classification.alignment.kind', 'eyes'],
    ['classification.mirror', 'yes'],
    ['classification.labels', ['happy']],
    ['networks.0.output', 7, 'networks'],
    ['embedding', { dimension: 7 }],
  ])('of a classifier, %s: %j is refused by its name', (path, value, named = path) => {
    expect(() => parseManifest(changed(path, value, 'emotion-mini-xception'))).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(named) }),
    )
  })

  test.each([
    '../../etc/passwd',
    'a/../../b',
    '/etc/passwd',
    '\\\\server\\share',
    'C:\\windows',
    'a\\..\\b',
    './a',
    '.hidden',
    'a\0b',
    'a b',
    'https://example.com/a',
    'a%2e%2e/b',
    'a\n',
  ])('no path leads out of the folder: %j', path => {
    expect(() => parseManifest(changed('networks.0.graph.path', path))).toThrow(/networks\.0\.graph\.path/)
  })

  test('folders below are allowed', () => {
    const { networks } = parseManifest(changed('networks.0.graph.path', 'sub/p-net_1.graph.json')) as Manifest
    expect(networks[0].graph.path).toBe('sub/p-net_1.graph.json')
  })

  test.each([undefined, null, 'mtcnn', 7, []])('%j is no manifest', value => {
    expect(() => parseManifest(value)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }))
  })

  test.each([[[0, 24]], [[-24, 24]], [[24.5, 24]]])('a network of size %j cannot be', size => {
    expect(() => parseManifest(changed('networks.1.inputSize', size))).toThrow(/networks\.1\.inputSize/)
  })

  test('two networks of one name cannot be told apart', () => {
    expect(() => parseManifest(changed('networks.1.name', 'pnet'))).toThrow(/networks/)
  })
})
