/** The panel that says what faces look like. */
import type { DescribedFace } from 'facewise'
import { remember } from '../address.ts'
import { count, duration, part } from '../dom.ts'
import { cropFaces, LARGE_CROP } from '../faces/client.ts'
import { library } from '../library.ts'
import type { StartPanel } from '../panel.ts'
import { createPictureView, type Painter } from '../picture-view.ts'
import { createDrop } from '../pictures/drop.ts'
import { MAX_PIXELS } from '../pictures/limits.ts'
import { createProblem } from '../problem.ts'
import { inWords, isAbort } from '../words.ts'
import { createCard } from './card.ts'

export const startDescribe: StartPanel = section => {
  const problem = createProblem(part(section, 'problem'))
  const view = createPictureView()
  const status = part(section, 'status')
  const cards = part(section, 'cards')
  let running: AbortController | undefined
  let loaded = false
  part(section, 'view').append(view.element)
  part(section, 'drop').append(
    createDrop({
      title: 'A photo with faces',
      firstSample: 5,
      onFiles: ([file]) => void open(file),
      onProblem: problem,
    }),
  )

  async function open(file: File): Promise<void> {
    running?.abort()
    running = new AbortController()
    const { signal } = running
    problem(undefined)
    cards.replaceChildren()
    view.draw(() => {})
    part(section, 'bench').hidden = false
    section.classList.add('has-picture')
    section.setAttribute('aria-busy', 'true')
    status.textContent = 'Looking ...'
    try {
      // Shown while it is looked at. What the browser cannot show, the library cannot read either, and says so.
      view.show(file, file.name).catch(() => {})
      const fw = await library()
      const started = performance.now()
      const found = await fw.describe(file, { signal, maxPixels: MAX_PIXELS })
      const took = performance.now() - started
      const faces = leftToRight(found)
      const crops = await cropFaces(file, faces, LARGE_CROP, signal)
      cards.replaceChildren(...faces.map((face, i) => createCard(face, i + 1, crops[i])))
      view.draw(paintNumbers(faces))
      view.describe(`${count(faces.length, 'face')}, numbered from left to right`)
      const loading = loaded ? '' : ', models loaded'
      status.textContent = `${count(faces.length, 'face')}, described in ${duration(took)}${loading}`
      loaded = true
      if (faces.length === 0) problem(NO_FACE)
    } catch (error) {
      if (isAbort(error)) return
      problem(inWords(error, file.name))
      status.textContent = ''
      part(section, 'bench').hidden = true
      section.classList.remove('has-picture')
    } finally {
      if (signal === running?.signal) section.removeAttribute('aria-busy')
    }
  }

  return {
    restore() {
      remember('describe', {})
    },
  }
}

const NO_FACE =
  'No face was found in this photo. Faces under 40 pixels are not looked for here; the panel "Stages" can look for smaller ones.'

const leftToRight = (faces: readonly DescribedFace[]): DescribedFace[] => [...faces].sort((a, b) => a.box.x - b.box.x)

function paintNumbers(faces: readonly DescribedFace[]): Painter {
  return (context, pixel) => {
    context.font = `600 ${14 * pixel}px system-ui, sans-serif`
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    faces.forEach(({ box: { x, y, width, height } }, i) => {
      context.lineWidth = 4 * pixel
      context.strokeStyle = '#00000088'
      context.strokeRect(x, y, width, height)
      context.lineWidth = 2 * pixel
      context.strokeStyle = '#ff7a45'
      context.strokeRect(x, y, width, height)
      context.beginPath()
      context.arc(x, y, 12 * pixel, 0, 2 * Math.PI)
      context.fillStyle = '#ff7a45'
      context.fill()
      context.fillStyle = '#14110f'
      context.fillText(String(i + 1), x, y + pixel)
    })
  }
}
