/** Photos in place of the camera, for an enrolment. */
import { type EnrolmentResult, LIMITS } from '../../protocol.ts'
import { photosBody } from '../camera/photos.ts'
import { el } from '../dom.ts'
import { isKnown, problemPanel, type WaysOn } from '../parts/problem.ts'

const TITLE = 'Choose photos of yourself'

export function showUpload(
  root: HTMLElement,
  send: (photos: FormData) => Promise<EnrolmentResult>,
  done: (result: EnrolmentResult) => void,
  ways: WaysOn,
  signal: AbortSignal,
): void {
  const place = el('div', { class: 'upload' })
  root.replaceChildren(place)

  const heading = (): HTMLElement => el('h1', { class: 'hidden' }, TITLE)

  function ready(): void {
    const input = el('input', {
      id: 'photos',
      type: 'file',
      accept: 'image/jpeg,image/png,image/webp',
      multiple: true,
      class: 'hidden',
      onchange: () => void read([...(input.files ?? [])]),
    })
    place.replaceChildren(
      el('h1', {}, TITLE),
      el(
        'p',
        {},
        `One to ${LIMITS.photos}, with you alone in each, looking ahead. Three are much better than one. They are made smaller here, and what your camera wrote beside them, such as the place, stays here.`,
      ),
      el('div', { class: 'row' }, input, el('label', { for: 'photos', class: 'button primary' }, 'Choose photos')),
      el(
        'p',
        { class: 'note' },
        'Photos cannot show that somebody is there. When you log in, the camera still wants to see you move.',
      ),
    )
  }

  async function read(files: readonly File[]): Promise<void> {
    if (files.length === 0) return
    place.replaceChildren(
      heading(),
      el(
        'div',
        { class: 'waiting', role: 'status' },
        el('span', { class: 'spinner' }),
        el('p', {}, 'Looking at your photos'),
      ),
    )
    try {
      done(await send(await photosBody(files)))
    } catch (error) {
      if (signal.aborted) return
      if (!isKnown(error)) throw error
      place.replaceChildren(heading(), problemPanel(error, { again: ready, ...ways }, signal))
    }
  }
  ready()
}
