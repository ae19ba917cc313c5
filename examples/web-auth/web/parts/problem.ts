/** A refusal or a failure, with a way on. */
import type { ChallengeFailure } from 'facewise/attributes'
import { Refused } from '../api.ts'
import { button, el, icon } from '../dom.ts'
import { Problem } from '../problem.ts'
import { CHALLENGE_FAILURES, PROBLEMS, WAYS, type Way } from '../problem-words.ts'
import { goTo } from '../router.ts'
import { minutes } from '../words.ts'

/** What the page where it happened can do about it. */
export type WaysOn = Partial<Record<Way, () => void>>

const EVERYWHERE: WaysOn = { logIn: () => goTo('log-in'), reload: () => location.reload() }

/** Where the page stops by itself, with the camera on. */
const NOTHING_SENT: readonly string[] = ['another-movement', 'no-face', 'several-faces', 'poor-picture']

/** Whether it is something that people are told of; anything else is a mistake in the page, and not to be hidden. */
export function isKnown(error: unknown): error is Refused | Problem {
  return error instanceof Refused || error instanceof Problem
}

/** @param signal ends the count-down of a lock. */
export function problemPanel(error: Refused | Problem, offered: WaysOn, signal?: AbortSignal): HTMLElement {
  const code = error.code === 'session' && error.hint === 'password' ? 'password-again' : error.code
  const words = PROBLEMS[code] ?? PROBLEMS.unavailable
  const text = CHALLENGE_FAILURES[error.hint as ChallengeFailure] ?? words.text
  const ways = { ...EVERYWHERE, ...offered }
  const buttons = words.ways.flatMap(way => {
    const go = ways[way]
    return go ? [{ way, element: button(WAYS[way], '', go) }] : []
  })
  for (const [i, { element }] of buttons.entries()) element.className = i === 0 ? 'primary' : 'quiet'
  const nothingSent = error instanceof Problem && NOTHING_SENT.includes(error.code)
  const panel = el(
    'section',
    { class: 'problem', role: 'alert', 'data-code': code },
    el('div', { class: 'problem-sign' }, icon(words.icon)),
    el('h2', {}, words.title),
    el('p', {}, text),
    nothingSent && el('p', {}, 'No picture was sent.'),
  )
  const { retryAfter = 0 } = error instanceof Refused ? error : {}
  if (retryAfter > 0) panel.append(countDown(retryAfter, buttons.find(({ way }) => way === 'again')?.element, signal))
  if (buttons.length > 0) panel.append(el('div', { class: 'row' }, ...buttons.map(({ element }) => element)))
  return panel
}

/** Says how long it takes, once to those who listen and each second to those who look; the button waits as well. */
function countDown(seconds: number, again: HTMLButtonElement | undefined, signal?: AbortSignal): HTMLElement {
  const until = performance.now() + seconds * 1000
  const shown = el('span', { 'aria-hidden': 'true' })
  const line = el('p', { class: 'wait' }, el('span', { class: 'hidden' }, `Wait ${minutes(seconds)}.`), shown)
  if (again) again.disabled = true
  const tick = (): void => {
    const left = Math.ceil((until - performance.now()) / 1000)
    shown.textContent =
      left > 0 ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}` : 'You can try again now.'
    if (left > 0 && !signal?.aborted) return
    clearInterval(timer)
    if (again) again.disabled = false
  }
  const timer = setInterval(tick, 500)
  tick()
  return line
}
