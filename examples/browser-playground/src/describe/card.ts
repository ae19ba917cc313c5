/** What a face looks like, in a card. */

import type { DescribedFace } from 'facewise'
import {
  type AgeGender,
  EMOTIONS,
  type Emotion,
  type EmotionScores,
  type FaceQuality,
  type HeadPose,
} from 'facewise/attributes'
import { el } from '../dom.ts'

/** A card of one face. @param number as it stands at the face in the picture. */
export function createCard(face: DescribedFace, number: number, crop: HTMLCanvasElement): HTMLElement {
  const { emotion, age, gender, pose, quality } = face
  crop.setAttribute('role', 'img')
  crop.setAttribute('aria-label', `Face ${number}`)
  return el(
    'li',
    { className: 'card' },
    el(
      'div',
      { className: 'card-head' },
      crop,
      el(
        'div',
        {},
        el('h3', { textContent: `Face ${number}` }),
        age !== undefined && gender && el('p', { className: 'card-who', textContent: who({ age, gender }) }),
        el('p', { className: 'hint', textContent: `found with a score of ${face.score.toFixed(3)}` }),
      ),
    ),
    emotion && emotionBars(emotion),
    el('div', { className: 'card-more' }, pose && poseFigure(pose), quality && qualityFigure(quality)),
  )
}

function who({ age, gender }: AgeGender): string {
  return `about ${Math.round(age)} years, ${gender.label} (${percent(gender.score)})`
}

function emotionBars(scores: EmotionScores): HTMLElement {
  const ranked = [...EMOTIONS].sort((a, b) => scores[b] - scores[a])
  return el(
    'div',
    { className: 'emotions', role: 'list', 'aria-label': 'Expression' },
    ...ranked.map((name, i) => bar(name, scores[name], i === 0)),
  )
}

function bar(name: Emotion, share: number, strongest: boolean): HTMLElement {
  const fill = el('span', { className: 'bar', 'aria-hidden': 'true' })
  fill.style.setProperty('--share', String(share))
  return el(
    'div',
    { className: strongest ? 'emotion strongest' : 'emotion', role: 'listitem' },
    el('span', { textContent: name }),
    fill,
    el('span', { className: 'number', textContent: percent(share) }),
  )
}

function poseFigure({ yaw, pitch, roll }: HeadPose): HTMLElement {
  // A dial that the nose points into: left and right, up and down, the whole turned by the roll.
  const nose = el('span', { className: 'dial-nose' })
  const dial = el('span', { className: 'dial', 'aria-hidden': 'true' }, nose)
  dial.style.setProperty('--yaw', String(clamp(yaw / 60)))
  dial.style.setProperty('--pitch', String(clamp(pitch / 60)))
  dial.style.setProperty('--roll', `${roll.toFixed(0)}deg`)
  const words = [
    turned(yaw, 'to the right of the picture', 'to the left of the picture'),
    turned(pitch, 'up', 'down'),
    Math.abs(roll) < 3 ? undefined : `tilted by ${Math.abs(roll).toFixed(0)}°`,
  ].filter(Boolean)
  return el(
    'div',
    { className: 'figure' },
    dial,
    el(
      'div',
      {},
      el('h4', { textContent: 'Head pose' }),
      el('p', { textContent: words.length === 0 ? 'looks into the camera' : words.join(', ') }),
      el('p', {
        className: 'hint number',
        textContent: `yaw ${yaw.toFixed(0)}°, pitch ${pitch.toFixed(0)}°, roll ${roll.toFixed(0)}°`,
      }),
    ),
  )
}

/** Within what the landmarks can tell, a face looks ahead. */
const AHEAD = 5

function turned(degrees: number, over: string, under: string): string | undefined {
  if (Math.abs(degrees) < AHEAD) return undefined
  return `${Math.abs(degrees).toFixed(0)}° ${degrees > 0 ? over : under}`
}

function qualityFigure({ score, reasons }: FaceQuality): HTMLElement {
  const ring = el('span', { className: 'ring', 'aria-hidden': 'true', textContent: Math.round(score * 100) })
  ring.style.setProperty('--share', String(score))
  return el(
    'div',
    { className: 'figure' },
    ring,
    el(
      'div',
      {},
      el('h4', { textContent: `Quality ${percent(score)}` }),
      reasons.length === 0
        ? el('p', { textContent: 'Nothing stands in the way of recognising this face.' })
        : el('ul', { className: 'reasons' }, ...reasons.map(({ message }) => el('li', { textContent: message }))),
    ),
  )
}

const clamp = (value: number): number => Math.max(-1, Math.min(1, value))
const percent = (share: number): string => `${Math.round(share * 100)} %`
