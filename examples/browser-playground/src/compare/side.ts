/** One of the two sides: a picture, and the face of it that is meant. */
import type { RepresentedFace } from 'facewise'
import { count, el } from '../dom.ts'
import { alignFaces, cropFaces, LARGE_CROP } from '../faces/client.ts'
import { manifest } from '../faces/rates.ts'
import { library } from '../library.ts'
import { createDrop } from '../pictures/drop.ts'
import { MAX_PIXELS } from '../pictures/limits.ts'
import { createProblem } from '../problem.ts'
import { inWords, isAbort } from '../words.ts'

/** The face that is meant, and how the network sees it. */
export interface ChosenFace {
  readonly face: RepresentedFace
  readonly aligned: HTMLCanvasElement
}

export interface Side {
  readonly element: HTMLElement
  chosen(): ChosenFace | undefined
}

/** @param letter by which the side is called. @param onChoose is called when another face, or none, is meant. */
export function createSide(letter: 'A' | 'B', onChoose: () => void): Side {
  const warning = el('p', { className: 'problem', role: 'alert', hidden: true })
  const problem = createProblem(warning)
  const status = el('p', { className: 'status', role: 'status' })
  const faces = el('fieldset', { className: 'faces', hidden: true })
  const drop = createDrop({
    title: `Person ${letter}`,
    // The first two samples show some of the same people.
    firstSample: letter === 'A' ? 0 : 2,
    onFiles: ([file]) => void open(file),
    onProblem: problem,
  })
  const element = el('div', { className: 'side' }, drop, warning, status, faces)
  let chosen: ChosenFace | undefined
  let running: AbortController | undefined

  const choose = (next: ChosenFace | undefined): void => {
    chosen = next
    onChoose()
  }

  async function open(file: File): Promise<void> {
    running?.abort()
    running = new AbortController()
    const { signal } = running
    problem(undefined)
    element.classList.add('has-picture')
    faces.hidden = true
    faces.replaceChildren()
    choose(undefined)
    status.textContent = 'Looking ...'
    element.setAttribute('aria-busy', 'true')
    try {
      const fw = await library()
      const found = largestFirst(await fw.represent(file, { signal, maxPixels: MAX_PIXELS }))
      status.textContent = found.length === 0 ? '' : `${count(found.length, 'face')} in ${file.name}`
      if (found.length === 0)
        return problem(
          `No face was found in "${file.name}". Choose a photo in which the face is larger, and turned to the camera.`,
        )
      const [crops, aligned] = [
        await cropFaces(file, found, LARGE_CROP, signal),
        await alignFaces(file, found, manifest, signal),
      ]
      show(found, crops, aligned)
    } catch (error) {
      if (isAbort(error)) return
      status.textContent = ''
      problem(inWords(error, file.name))
    } finally {
      if (signal === running?.signal) element.removeAttribute('aria-busy')
    }
  }

  function show(
    found: readonly RepresentedFace[],
    crops: readonly HTMLElement[],
    aligned: readonly HTMLCanvasElement[],
  ): void {
    const options = found.map((face, i) => {
      const radio = el('input', { type: 'radio', name: `face-${letter}`, value: String(i), className: 'hidden' })
      radio.setAttribute('aria-label', `Face ${i + 1} of ${found.length}, ${Math.round(face.box.width)} pixels wide`)
      radio.addEventListener('change', () => choose({ face, aligned: aligned[i] }))
      crops[i].setAttribute('aria-hidden', 'true')
      return el('label', { className: 'face' }, radio, crops[i])
    })
    faces.replaceChildren(
      el('legend', { textContent: found.length > 1 ? 'Which face is meant?' : 'The face' }),
      ...options,
    )
    faces.hidden = false
    options[0].querySelector('input')!.checked = true
    choose({ face: found[0], aligned: aligned[0] })
  }

  return { element, chosen: () => chosen }
}

const largestFirst = (faces: readonly RepresentedFace[]): RepresentedFace[] =>
  [...faces].sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height)
