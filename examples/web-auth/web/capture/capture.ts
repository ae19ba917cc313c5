/** A face before the camera, from the first button to what the server says: for enrolment, log-in and "who is this" alike. */
import type { Purpose } from '../../protocol.ts'
import { api } from '../api.ts'
import { type Camera, openCamera } from '../camera/camera.ts'
import { button, el, icon } from '../dom.ts'
import { onLoading, warmDetector } from '../faces.ts'
import { isKnown, problemPanel, type WaysOn } from '../parts/problem.ts'
import { attempt } from './attempt.ts'
import { createStage, type Stage } from './stage.ts'

export interface CaptureOptions<T> {
  readonly purpose: Purpose
  /** Whose face, for a log-in by face alone. */
  readonly email?: string
  /** The heading: seen before the start, heard all the while. */
  readonly title: string
  /** Stands between it and the button that starts the camera. */
  readonly before: readonly HTMLElement[]
  readonly action: string
  /** Whether the camera starts at once: the person has just asked for it. */
  readonly atOnce?: boolean
  readonly send: (frames: FormData, signal: AbortSignal) => Promise<T>
  readonly done: (answer: T) => void
  /** Ways on beside trying again; they are offered before the start as well, as links. */
  readonly ways?: WaysOn
  /** Elements under the button before the start. */
  readonly beside?: readonly HTMLElement[]
}

/** Why an attempt was left: the person wants other movements. */
const OTHERS = new DOMException('Other movements are wanted.', 'AbortError')

export function showCapture<T>(root: HTMLElement, options: CaptureOptions<T>, signal: AbortSignal): void {
  const place = el('div', { class: 'capture' })
  root.append(place)

  const heading = (): HTMLElement => el('h1', { class: 'hidden' }, options.title)

  function ready(): void {
    place.replaceChildren(
      el(
        'div',
        { class: 'capture-ready' },
        el('div', { class: 'arch arch-still' }, el('div', { class: 'pane' }, icon('face'))),
        el(
          'div',
          { class: 'capture-words' },
          el('h1', {}, options.title),
          ...options.before,
          el(
            'div',
            { class: 'row' },
            button(options.action, 'primary large', () => void run()),
            ...(options.beside ?? []),
          ),
        ),
      ),
    )
  }

  async function run(): Promise<void> {
    const left = new AbortController()
    const running = AbortSignal.any([signal, left.signal])
    let others = new AbortController()
    const stage = createStage([
      button('Other movements', 'quiet', () => others.abort(OTHERS)),
      button('Stop', 'quiet', () => left.abort()),
    ])
    place.replaceChildren(heading(), stage.element)
    stage.element.scrollIntoView({ block: 'nearest' })
    let camera: Camera | undefined
    try {
      camera = await prepare(stage, running)
      for (;;) {
        others = new AbortController()
        const tried = AbortSignal.any([running, others.signal])
        try {
          const issue = () => api.challenge({ purpose: options.purpose, email: options.email }, tried)
          const frames = await Promise.race([attempt(stage, issue, tried), camera.lost])
          camera.close()
          stage.busy('Looking at it')
          const answer = await options.send(frames, running)
          running.throwIfAborted()
          return options.done(answer)
        } catch (error) {
          if (!others.signal.aborted || running.aborted) throw error
        }
      }
    } catch (error) {
      if (signal.aborted) return
      if (left.signal.aborted) return ready()
      if (!isKnown(error)) throw error
      const panel = problemPanel(error, { again: () => void run(), ...options.ways }, signal)
      place.replaceChildren(heading(), panel)
      panel.querySelector<HTMLElement>('button:not(:disabled)')?.focus()
    } finally {
      camera?.close()
      left.abort()
    }
  }

  if (options.atOnce) void run()
  else ready()
}

/** Opens the camera and loads the detector at the same time; a challenge is issued only when both are there, for its time runs. */
async function prepare(stage: Stage, signal: AbortSignal): Promise<Camera> {
  stage.say('One moment', 'Your browser may ask whether this page may use the camera.')
  const stop = onLoading(share => {
    if (share < 1) stage.say('Getting ready', `${Math.round(share * 100)} % loaded. This is needed once.`)
  })
  try {
    const warm = warmDetector(signal)
    // What fails first is told; the other one may fail as it likes.
    warm.catch(() => {})
    const camera = await openCamera(stage.video, signal)
    try {
      await warm
    } catch (error) {
      camera.close()
      throw error
    }
    return camera
  } finally {
    stop()
  }
}
