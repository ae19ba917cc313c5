/** A dialog with the photos of a person, one after another. */
import { el } from '../dom.ts'
import { createPictureView } from '../picture-view.ts'
import { paintBoxes } from '../stages/paint.ts'
import type { FoundFace } from './reader.ts'

const COLOUR = '#ff7a45'

/** Opens it. @param at which photo comes first. */
export function openAlbum(title: string, faces: readonly FoundFace[], at: number): void {
  const view = createPictureView()
  const words = el('p', { className: 'hint', 'aria-live': 'polite' })
  const back = el('button', { type: 'button', textContent: '‹', 'aria-label': 'The photo before' })
  const on = el('button', { type: 'button', textContent: '›', 'aria-label': 'The next photo' })
  const close = el('button', { type: 'button', textContent: 'Close' })
  const dialog = el(
    'dialog',
    { className: 'sheet', 'aria-label': title },
    el('div', { className: 'row' }, el('h3', { textContent: title }), back, on, close),
    view.element,
    words,
  )
  let shown = at
  const show = async (next: number): Promise<void> => {
    shown = (next + faces.length) % faces.length
    const { file, face } = faces[shown]
    words.textContent = `${shown + 1} of ${faces.length}: ${file.webkitRelativePath || file.name}`
    view.draw(() => {})
    // Another photo may be asked for while this one is decoded.
    const wanted = shown
    await view.show(file, file.name).catch(() => {})
    if (wanted !== shown) return
    const { x, y, width, height } = face.box
    view.draw(paintBoxes(Float32Array.of(x, y, width, height), COLOUR, undefined, -1))
    view.describe(`The face at ${Math.round(x)}, ${Math.round(y)}`)
  }
  back.addEventListener('click', () => void show(shown - 1))
  on.addEventListener('click', () => void show(shown + 1))
  dialog.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowLeft') void show(shown - 1)
    if (key === 'ArrowRight') void show(shown + 1)
  })
  close.addEventListener('click', () => dialog.close())
  dialog.addEventListener('close', () => {
    view.close()
    dialog.remove()
  })
  document.body.append(dialog)
  dialog.showModal()
  void show(at)
}
