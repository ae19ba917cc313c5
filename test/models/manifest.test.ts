import { describe, expect, test } from 'vitest'
import { type Manifest, parseManifest } from '../../src/models/manifest.ts'
import { packagedManifests } from '../../src/models/packaged.ts'

/** A copy of the packaged manifest with one thing changed; untyped, as a file would be. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone(packagedManifests.mtcnn) as unknown as Record<string, unknown>
  const keys = path.split('.')
  const last = keys.pop()!
  const parent = keys.reduce<Record<string, unknown>>((object, key) => object[key] as Record<string, unknown>, copy)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

describe('manifests', () => {
  test('the packaged one is valid and comes back as it is', () => {
    expect(parseManifest(packagedManifests.mtcnn)).toEqual(packagedManifests.mtcnn)
  })

  test.each([
    ['schema', 2],
    ['schema', undefined],
    ['name', ''],
    ['name', '../mtcnn'],
    ['title', 7],
    ['task', 'cooking'],
    ['input.channels', 'bgr'],
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
