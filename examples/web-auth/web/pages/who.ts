/** Who is before the camera: a name, or nobody that is known. */
import type { Who } from '../../protocol.ts'
import { api } from '../api.ts'
import { showCapture } from '../capture/capture.ts'
import { button, el, icon } from '../dom.ts'
import { focusHeading, type Page } from '../router.ts'

export const who: Page = {
  title: 'Who is this?',
  for: 'logged-in',
  show(root, signal) {
    function capture(atOnce: boolean): void {
      root.replaceChildren()
      showCapture(
        root,
        {
          purpose: 'who',
          title: 'Who is this?',
          atOnce,
          before: [
            el(
              'p',
              { class: 'lead' },
              'Whoever sits before the camera is looked for among the people who let themselves be found.',
            ),
            el(
              'p',
              { class: 'note' },
              'Ask them first. The movements show that somebody is there: a photo of somebody is not enough to ask for their name.',
            ),
          ],
          action: 'Start the camera',
          send: api.who,
          done: show,
        },
        signal,
      )
    }

    function show({ name }: Who): void {
      root.replaceChildren(
        el(
          'section',
          { class: 'result', role: 'status' },
          el(
            'div',
            { class: `result-sign${name === null ? ' result-nobody' : ''}` },
            icon(name === null ? 'no-face' : 'person'),
          ),
          el('h1', {}, name === null ? 'Somebody I do not know' : name),
          el(
            'p',
            {},
            name === null
              ? 'Nobody who lets themselves be found looks like this. An unknown face is never given the nearest name.'
              : 'This is the nearest face, and near enough. One stranger in a hundred may be taken for somebody.',
          ),
          el(
            'div',
            { class: 'row' },
            button('Ask again', 'primary', () => capture(true)),
          ),
        ),
      )
      focusHeading(root)
    }

    capture(false)
  },
}
