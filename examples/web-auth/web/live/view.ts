/** The faces of a video: a frame about each on the picture, and a card beside it. */
import type { TrackedFrame } from 'facewise'
import { el } from '../dom.ts'
import { type Card, createCard } from './card.ts'

export interface LiveView {
  readonly element: HTMLElement
  readonly video: HTMLVideoElement
  show(frame: TrackedFrame): void
  backend(text: string): void
  pace(text: string): void
}

interface Shown {
  readonly frame: HTMLElement
  readonly card: Card
}

/** How often words and bars change: quicker than this nobody reads. Frames about faces follow each picture. */
const CARDS_MS = 100

export function createLiveView(controls: readonly HTMLElement[]): LiveView {
  const video = el('video', { playsinline: true, 'aria-label': 'Your camera, mirrored' })
  video.muted = true
  const overlay = el('div', { class: 'live-overlay' })
  const cards = el('div', { class: 'live-cards' })
  const backend = el('span', {}, 'starting')
  const pace = el('span', {}, '\u2013')
  const count = el('p', { class: 'live-count', role: 'status' }, 'Loading the networks')
  const element = el(
    'div',
    { class: 'live' },
    el(
      'div',
      { class: 'live-picture' },
      el('div', { class: 'live-video' }, video, overlay),
      el(
        'dl',
        { class: 'chips' },
        el('div', {}, el('dt', {}, 'Runs on'), el('dd', { 'data-part': 'backend' }, backend)),
        el('div', {}, el('dt', {}, 'Pictures a second'), el('dd', { 'data-part': 'pace' }, pace)),
        el('div', {}, el('dt', {}, 'Uploaded'), el('dd', {}, 'nothing')),
      ),
      el('div', { class: 'row' }, ...controls),
    ),
    el('div', { class: 'live-side' }, count, cards),
  )
  const shown = new Map<number, Shown>()
  let cardsAt = 0
  let counted = -1

  function place(frame: HTMLElement, box: TrackedFrame['faces'][number]['box'], width: number, height: number): void {
    frame.style.left = `${(1 - (box.x + box.width) / width) * 100}%`
    frame.style.top = `${(box.y / height) * 100}%`
    frame.style.width = `${(box.width / width) * 100}%`
    frame.style.height = `${(box.height / height) * 100}%`
  }

  return {
    element,
    video,
    show({ faces, ended, width, height }) {
      for (const id of ended) {
        shown.get(id)?.frame.remove()
        shown.get(id)?.card.element.remove()
        shown.delete(id)
      }
      const stable = faces.filter(face => face.stable)
      const now = performance.now()
      const isTime = now - cardsAt >= CARDS_MS
      if (isTime) cardsAt = now
      for (const { frame } of shown.values()) frame.hidden = true
      for (const face of stable) {
        let parts = shown.get(face.id)
        if (!parts) {
          parts = {
            frame: el('div', { class: 'live-frame' }, el('span', { class: 'chip' }, String(face.id))),
            card: createCard(face.id),
          }
          shown.set(face.id, parts)
          overlay.append(parts.frame)
          cards.append(parts.card.element)
        }
        parts.frame.hidden = false
        place(parts.frame, face.box, width, height)
        if (isTime) parts.card.show(face)
      }
      if (stable.length === counted) return
      counted = stable.length
      count.textContent =
        counted === 0
          ? 'No face in the picture'
          : counted === 1
            ? 'One face in the picture'
            : `${counted} faces in the picture`
    },
    backend(text) {
      backend.textContent = text
    },
    pace(text) {
      pace.textContent = text
    },
  }
}
