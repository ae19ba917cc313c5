import { describe, expect, it } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { samplePhoto } from '../data.ts'
import { recordingTerminal } from './terminal.ts'

async function bench(...argv: string[]) {
  const terminal = recordingTerminal()
  const code = await run(['bench', ...argv], terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

interface Line {
  backend: string
  file: string | null
  faces: number
  detect: { ms: number; fastestMs: number; runs: number }
  embed: { ms: number; runs: number; model: string; faces: number }
  error?: { code: string }
}

describe('facewise bench', () => {
  it('measures a backend on four drawn faces, all of which are found', async () => {
    const { code, out, err } = await bench('--backend', 'wasm', '--runs', '2', '--json')
    expect([code, err]).toEqual([0, ''])
    const line = JSON.parse(out) as Line
    expect(line).toMatchObject({ backend: 'wasm', file: null, width: 1280, height: 960, faces: 4 })
    expect(line.embed).toMatchObject({ model: 'dlib-resnet-128', faces: 4 })
    for (const { ms, runs } of [line.detect, line.embed]) {
      expect(ms).toBeGreaterThan(0)
      expect(runs).toBeLessThanOrEqual(2)
    }
    expect(line.detect.fastestMs).toBeLessThanOrEqual(line.detect.ms)
  })

  it('prints a table of a photo for people', async () => {
    const { code, out } = await bench(samplePhoto(1), '--backend', 'wasm', '--runs', '1')
    expect(code).toBe(0)
    expect(out).toContain('1920 x 1280')
    expect(out).toMatch(/^ {2}wasm +\d+ +\d+ +3 +\d+ +\d+$/m)
    expect(out).toContain('embedded by dlib-resnet-128')
    expect(out).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('says why a backend that was asked for cannot be measured, and what is wrong with a picture', async () => {
    // No file of tfjs-node lies beside the development dependencies.
    const { code, out } = await bench('--backend', 'native', '--json', '--runs', '1')
    const { backend, error } = JSON.parse(out) as Line
    if (error) expect([code, error.code]).toEqual([1, 'BACKEND_UNAVAILABLE'])
    else expect([code, backend]).toEqual([0, 'native'])
    const missing = await bench('missing.jpg')
    expect([missing.code, missing.out]).toEqual([1, ''])
    expect(missing.err).toContain('missing.jpg')
    expect((await bench('--runs', '0')).code).toBe(2)
  })
})
