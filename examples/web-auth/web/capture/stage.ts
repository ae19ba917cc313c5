/** The camera's picture in its arch: mirrored, with a frame about the face, an arrow, and a rim that fills as steps are done. */
import type { Box } from 'facewise/attributes'
import { el, icon, svg } from '../dom.ts'
import type { Hint } from './hints.ts'
import { TASKS } from './hints.ts'

export interface Stage {
  readonly element: HTMLElement
  readonly video: HTMLVideoElement
  /** Words alone, while there is nothing to do yet. */
  say(big: string, small: string): void
  hint(hint: Hint): void
  /** The frame about a face, in pixels of a picture of this size; none without a box. */
  face(box: Box | undefined, width: number, height: number): void
  /** How much is done, from 0 to 1. */
  progress(share: number): void
  /** Seconds left for the step, of how many; nothing hides it. */
  timeLeft(seconds?: number, of?: number): void
  /** Shows that the camera is off and frames are on their way. */
  busy(text: string): void
}

/** A hint stays for so long, or nobody could read it. */
const HINT_MS = 700

const ARROWS: Partial<Record<Hint['task'], string>> = {
  'turn-left': 'left',
  'turn-right': 'right',
  'look-up': 'up',
  'look-down': 'down',
}

/** The outline of the arch, from the middle of its foot round; see `.arch` for the same in CSS. */
const ARCH = 'M150 396H32a28 28 0 0 1-28-28V150a146 146 0 0 1 292 0v218a28 28 0 0 1-28 28Z'

export function createStage(controls: readonly HTMLElement[]): Stage {
  const video = el('video', { muted: true, playsinline: true, 'aria-label': 'Your camera, mirrored' })
  video.muted = true
  const frame = el('div', { class: 'face-frame', hidden: true })
  const marks = el('div', { class: 'marks' })
  const rim = svg('path', { class: 'rim-done', d: ARCH, pathLength: '100' })
  const outline = svg(
    'svg',
    { class: 'rim', viewBox: '0 0 300 400', 'aria-hidden': 'true' },
    svg('path', { class: 'rim-all', d: ARCH }),
    rim,
  )
  const cover = el('div', { class: 'cover' }, icon('face'))
  const big = el('p', { class: 'task' })
  const small = el('p', { class: 'how' })
  const words = el('div', { class: 'words', role: 'status' }, big, small)
  const clock = el(
    'div',
    { class: 'time', hidden: true },
    el('span', { class: 'time-bar' }),
    el('span', { class: 'time-text' }),
  )
  const arch = el('div', { class: 'arch' }, el('div', { class: 'pane' }, video, frame, marks, cover), outline)
  const element = el('div', { class: 'stage' }, words, clock, arch, el('div', { class: 'stage-controls' }, ...controls))

  let shown = ''
  let shownAt = 0
  let task: Hint['task'] | undefined

  function write(first: string, second: string, tone: Hint['tone']): void {
    big.textContent = first
    small.textContent = second
    words.dataset.tone = tone
    shown = first + second
    shownAt = performance.now()
  }

  return {
    element,
    video,
    say(first, second) {
      task = undefined
      write(first, second, 'calm')
    },
    hint(hint) {
      const isNew = hint.task !== task
      const text = TASKS[hint.task] + hint.how
      if (text === shown || (!isNew && performance.now() - shownAt < HINT_MS)) return
      if (isNew && performance.now() - shownAt < HINT_MS / 2) return
      cover.hidden = true
      element.dataset.state = 'running'
      write(TASKS[hint.task], hint.how, hint.tone)
      if (!isNew) return
      task = hint.task
      const direction = ARROWS[hint.task]
      if (direction)
        marks.replaceChildren(
          el('div', { class: `arrow arrow-${direction}` }, icon('arrow'), icon('arrow'), icon('arrow')),
        )
      else if (hint.task === 'come-closer' || hint.task === 'smile') {
        marks.replaceChildren(
          el('div', { class: 'arrow arrow-middle' }, icon(hint.task === 'smile' ? 'smile' : 'closer')),
        )
      } else marks.replaceChildren()
    },
    face(box, width, height) {
      frame.hidden = !box
      if (!box) return
      // The picture covers the arch: it is as large as needed, and its middle is the arch's middle.
      const { clientWidth, clientHeight } = video
      const scale = Math.max(clientWidth / width, clientHeight / height)
      const left = clientWidth / 2 - (box.x + box.width - width / 2) * scale
      const top = clientHeight / 2 + (box.y - height / 2) * scale
      frame.style.transform = `translate(${left}px, ${top}px)`
      frame.style.width = `${box.width * scale}px`
      frame.style.height = `${box.height * scale}px`
    },
    progress(share) {
      // Of nothing, the round end of the line would be left.
      rim.style.visibility = share > 0 ? 'visible' : 'hidden'
      rim.style.setProperty('--share', String(share))
    },
    timeLeft(seconds, of = 1) {
      clock.hidden = seconds === undefined
      if (seconds === undefined) return
      const left = Math.max(0, seconds)
      clock.style.setProperty('--left', String(left / of))
      clock.lastElementChild!.textContent = `${Math.ceil(left)} s left`
    },
    busy(text) {
      frame.hidden = true
      clock.hidden = true
      marks.replaceChildren(el('span', { class: 'spinner' }))
      element.dataset.state = 'busy'
      task = undefined
      write(text, 'This takes a few seconds.', 'calm')
    },
  }
}
