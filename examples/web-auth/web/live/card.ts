/** What is read off one face, as bars and numbers that move. */

import type { TrackedFace } from 'facewise'
import { EMOTIONS } from 'facewise/attributes'
import { el, svg } from '../dom.ts'

export interface Card {
  readonly element: HTMLElement
  show(face: TrackedFace): void
}

/** Degrees that the pointer of the pose goes to the edge for. */
const POSE_RANGE = 45

export function createCard(id: number): Card {
  const age = el('dd', {}, '\u2013')
  const gender = el('dd', {}, '\u2013')
  const pose = el('dd', {}, '\u2013')
  const pointer = svg('circle', { class: 'pose-pointer', r: '5', cx: '40', cy: '40' })
  const level = svg('path', { class: 'pose-level', d: 'M12 40h56' })
  const dial = svg(
    'svg',
    { class: 'pose', viewBox: '0 0 80 80', 'aria-hidden': 'true' },
    svg('circle', { class: 'pose-rim', r: '36', cx: '40', cy: '40' }),
    level,
    pointer,
  )
  const bars = EMOTIONS.map(emotion => {
    const bar = el('span', { class: 'bar' })
    const share = el('span', { class: 'share' }, '')
    return { emotion, bar, share, row: el('li', {}, el('span', { class: 'name' }, emotion), bar, share) }
  })
  const element = el(
    'article',
    { class: 'panel live-card', 'aria-label': `Face ${id}` },
    el('h2', {}, el('span', { class: 'chip' }, String(id)), ' Face'),
    el(
      'div',
      { class: 'live-facts' },
      el(
        'dl',
        {},
        el('div', {}, el('dt', {}, 'Looks about'), age),
        el('div', {}, el('dt', {}, 'Looks'), gender),
        el('div', {}, el('dt', {}, 'Head'), pose),
      ),
      dial,
    ),
    el('ul', { class: 'bars' }, ...bars.map(({ row }) => row)),
  )

  return {
    element,
    show(face) {
      if (face.age !== undefined) age.textContent = `${Math.round(face.age)} years`
      if (face.gender) gender.textContent = `${face.gender.label}, ${percent(face.gender.score)} sure`
      if (face.pose) {
        const { yaw, pitch, roll } = face.pose
        // Mirrored, as the picture is.
        pose.textContent = `${degrees(yaw, 'left', 'right')}, ${degrees(pitch, 'up', 'down')}`
        pointer.setAttribute('cx', String(40 - offset(yaw)))
        pointer.setAttribute('cy', String(40 - offset(pitch)))
        level.setAttribute('transform', `rotate(${-roll} 40 40)`)
      }
      if (!face.emotion) return
      for (const { emotion, bar, share } of bars) {
        const score = face.emotion[emotion]
        bar.style.setProperty('--share', String(score))
        share.textContent = percent(score)
      }
    },
  }
}

const percent = (share: number): string => `${Math.round(share * 100)} %`

const offset = (angle: number): number => (Math.max(-POSE_RANGE, Math.min(POSE_RANGE, angle)) / POSE_RANGE) * 30

/** Over 0 to the first side. Left and right are the person's own: yaw over 0 is to the right of the picture, which is their left. */
function degrees(angle: number, first: string, second: string): string {
  const size = Math.round(Math.abs(angle))
  return size < 3 ? 'level' : `${size}\u00b0 ${angle > 0 ? first : second}`
}
