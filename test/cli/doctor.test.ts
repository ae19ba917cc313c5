import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'
import { type Diagnosis, diagnose, type Probes } from '../../src/cli/commands/doctor.ts'
import { run } from '../../src/cli/program.ts'
import { FacewiseError } from '../../src/errors.ts'
import { packagedManifests } from '../../src/models/packaged.ts'
import { recordingTerminal } from './terminal.ts'

const packaged = Object.keys(packagedManifests)

const working: Probes = {
  startBackend: () => startBackend({ prefer: 'wasm', remember: false }),
  loadModel: async () => ({ dispose() {} }),
  sharpVersions: async () => ({ sharp: '1.2.3', vips: '4.5.6' }),
}

describe('facewise doctor', () => {
  it('says as JSON what was chosen, why, and that all is there', async () => {
    const terminal = recordingTerminal()
    expect(await run(['doctor', '--json'], terminal)).toBe(0)
    expect(terminal.err()).toBe('')
    expect(terminal.out().trimEnd().split('\n')).toHaveLength(1)
    const diagnosis = JSON.parse(terminal.out()) as Diagnosis
    expect(diagnosis).toMatchObject({ ok: true, node: process.versions.node, tensorflow: '4.22.0', advice: [] })
    if ('error' in diagnosis.backend) throw new Error('no backend')
    const { chosen, attempts } = diagnosis.backend
    expect(attempts.find(({ name }) => name === chosen)?.outcome).toBe('chosen')
    expect(attempts.map(({ name }) => name).sort()).toEqual(['cpu', 'native', 'wasm'])
    for (const { reason } of attempts) expect(reason).not.toBe('')
    const [model] = diagnosis.models
    expect(model).toMatchObject({ name: 'mtcnn', files: 6 })
    expect(model.bytes).toBeGreaterThan(1e6)
    expect(model.loadMs).toBeGreaterThan(0)
    expect(model.error).toBeUndefined()
  })

  it('prints it for people', async () => {
    const terminal = recordingTerminal()
    expect(await run(['doctor', '--backend', 'wasm'], terminal)).toBe(0)
    const out = terminal.out()
    expect(out).toMatch(/^TensorFlow\.js {2}4\.22\.0$/m)
    expect(out).toMatch(/^ {2}wasm {2}yes {2}chosen: .*started in \d+ ms; SIMD on, 1 thread\)$/m)
    expect(out).toMatch(/^ {2}sharp {2}yes {2}\d+\.\d+/m)
    expect(out).toMatch(/^ {2}mtcnn {2}yes {2}6 files, 1\.\d+ MB: all there and unaltered; loaded in \d+ ms$/m)
    expect(out).toContain('Everything that detection needs is here.')
    expect(out).not.toContain('\u001b')
  })

  it('lists the models of the model directory, of which detection needs none', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'facewise doctor '))
    vi.stubEnv('FACEWISE_MODEL_DIR', directory)
    try {
      mkdirSync(join(directory, 'own'))
      writeFileSync(join(directory, 'own', 'manifest.json'), 'half a manif')
      const terminal = recordingTerminal()
      expect(await run(['doctor', '--backend', 'wasm'], terminal)).toBe(0)
      expect(terminal.out()).toMatch(
        /^ {2}facenet-512 {2}- {2}not here, 93\.9 MB to download; .*models pull facenet-512$/m,
      )
      expect(terminal.out()).toMatch(/^ {2}own {2}no {2}damaged: .*facewise models verify own\)$/m)
      const { modelDirectory, ok } = await diagnose('0', undefined, working)
      expect(ok).toBe(true)
      expect(modelDirectory).toMatchObject({
        folder: directory,
        models: [
          { name: 'facenet-512', state: 'available' },
          { name: 'own', state: 'damaged' },
        ],
      })
    } finally {
      vi.unstubAllEnvs()
      rmSync(directory, { recursive: true })
    }
  })

  it('refuses a backend that it does not know', async () => {
    const terminal = recordingTerminal()
    expect(await run(['doctor', '--backend', 'cuda'], terminal)).toBe(2)
    expect(terminal.out()).toBe('')
  })
})

describe('diagnose', () => {
  it('finds nothing to do where everything works', async () => {
    const { ok, sharp, advice } = await diagnose('0', undefined, working)
    expect({ ok, sharp, advice }).toEqual({ ok: true, sharp: { version: '1.2.3', libvips: '4.5.6' }, advice: [] })
  })

  it('says what to do without a backend, and does not try the models', async () => {
    const { ok, backend, models, advice } = await diagnose('0', undefined, {
      ...working,
      startBackend: () => Promise.reject(new FacewiseError('BACKEND_UNAVAILABLE', 'None.')),
      loadModel: () => Promise.reject(new Error('must not be asked')),
    })
    expect(ok).toBe(false)
    expect(backend).toEqual({ error: { code: 'BACKEND_UNAVAILABLE', message: 'None.' } })
    expect(models[0].error?.message).toContain('Not tried')
    expect(advice).toEqual([expect.stringContaining('npm install @tensorflow/tfjs-backend-wasm')])
  })

  it('says what to do about a missing model and without sharp', async () => {
    const { ok, models, sharp, advice } = await diagnose('0', undefined, {
      ...working,
      loadModel: () => Promise.reject(new FacewiseError('MODEL_CORRUPT', 'Other bytes.')),
      sharpVersions: () => Promise.reject(new Error('Cannot find package')),
    })
    expect(ok).toBe(false)
    expect(models[0].error).toEqual({ code: 'MODEL_CORRUPT', message: 'Other bytes.' })
    expect('error' in sharp && sharp.error.code).toBe('UNEXPECTED')
    expect(advice).toEqual([
      expect.stringContaining('npm install sharp'),
      ...packaged.map(name => expect.stringMatching(new RegExp(`${name}.*npm run build:models`))),
    ])
  })

  it('looks for the fault in the backend where the files are right', async () => {
    const { advice } = await diagnose('0', undefined, {
      ...working,
      loadModel: () => Promise.reject(new FacewiseError('NETWORK_FAILED', 'Not-a-number.')),
    })
    expect(advice).toEqual(packaged.map(name => expect.stringMatching(new RegExp(`${name}.*--backend`))))
  })
})
