/** A mirror that says what it sees, all of it in this browser. */
import type { BackendReport } from 'facewise/backends'
import { openCamera } from '../camera/camera.ts'
import { button, el } from '../dom.ts'
import { faces, warmDetector } from '../faces.ts'
import { createLiveView } from '../live/view.ts'
import { isKnown, problemPanel } from '../parts/problem.ts'
import type { Page } from '../router.ts'

const BACKENDS: Readonly<Record<string, string>> = {
  webgpu: 'WebGPU',
  webgl: 'WebGL',
  wasm: 'WebAssembly',
  cpu: 'JavaScript',
}

/** Over how long frames a second are counted. */
const PACE_MS = 1000

export const live: Page = {
  title: 'Live',
  show(root, signal) {
    const place = el('div', {})
    root.append(
      el('h1', {}, 'Live'),
      el(
        'p',
        { class: 'lead' },
        'Expression, age, gender and pose of whoever is before the camera, read by this page, on this device. Nothing is uploaded.',
      ),
      place,
    )

    function ready(): void {
      place.replaceChildren(
        el(
          'p',
          { class: 'note' },
          'An expression is what a face shows, not what a person feels; age and gender are what networks guess from looks, and often wrong.',
        ),
        el(
          'div',
          { class: 'row' },
          button('Start the camera', 'primary large', () => void run()),
        ),
      )
    }

    async function run(): Promise<void> {
      const stopped = new AbortController()
      const running = AbortSignal.any([signal, stopped.signal])
      const view = createLiveView([button('Stop', 'quiet', () => stopped.abort())])
      place.replaceChildren(view.element)
      try {
        const camera = await openCamera(view.video, running)
        try {
          await warmDetector(running)
          const fw = await faces()
          view.backend(describe((await fw.reports())[0]))
          const frames = fw.track(view.video, { attributes: ['emotion', 'age-gender', 'pose'], signal: running })
          let counted = 0
          let since = performance.now()
          for await (const frame of frames) {
            view.show(frame)
            counted++
            const elapsed = performance.now() - since
            if (elapsed < PACE_MS) continue
            view.pace(((counted * 1000) / elapsed).toFixed(0))
            counted = 0
            since += elapsed
          }
          // A camera that goes away ends the video.
          await camera.lost
        } finally {
          camera.close()
        }
      } catch (error) {
        if (signal.aborted) return
        if (stopped.signal.aborted) return ready()
        if (!isKnown(error)) throw error
        place.replaceChildren(problemPanel(error, { again: () => void run() }, signal))
      }
    }
    ready()
  },
}

function describe({ chosen, simd }: BackendReport): string {
  return `${BACKENDS[chosen] ?? chosen}${simd ? ', SIMD' : ''}`
}
