/** Adds the person's face, or takes it anew: by the camera, or from photos. */
import { type EnrolmentResult, FRAME_FIELDS } from '../../protocol.ts'
import { api, Refused } from '../api.ts'
import { showCapture } from '../capture/capture.ts'
import { showUpload } from '../capture/upload.ts'
import { button, el, icon } from '../dom.ts'
import { createForm } from '../parts/form.ts'
import type { WaysOn } from '../parts/problem.ts'
import { recoveryCodesPanel } from '../parts/recovery-codes.ts'
import { focusHeading, goTo, type Page } from '../router.ts'
import { currentSession, wantsPassword } from '../session.ts'

export const face: Page = {
  title: 'Your face',
  for: 'logged-in',
  show(root, signal) {
    const home = (): void => goTo('')
    const again = currentSession().account?.hasFace ?? false
    const ways: WaysOn = { photos: upload, skip: home, passwordAgain: askPassword }
    const title = again ? 'Take your face anew' : 'Add your face'
    let password: string | undefined

    const send = async (body: FormData): Promise<EnrolmentResult> => {
      if (password !== undefined) body.append(FRAME_FIELDS.password, password)
      try {
        return await api.enrol(body, signal)
      } catch (error) {
        // Only the password can be refused here, not the face: there is none to compare with.
        if (!(error instanceof Refused && error.code === 'refused')) throw error
        throw new Refused('session', error.message, { hint: 'password' })
      }
    }

    /** A new face is as good as a new password: whoever finds this page open must not set one. */
    function askPassword(): void {
      const form = createForm(
        [
          {
            name: 'password',
            label: 'Your password',
            type: 'password',
            autocomplete: 'current-password',
            wrong: 'Enter your password.',
          },
        ],
        'Go on',
        async ({ value }) => {
          password = value('password')
          capture()
          focusHeading(root)
        },
      )
      root.replaceChildren(
        el('h1', {}, title),
        el('p', { class: 'lead' }, 'First your password again, for a new face opens your account.'),
        form.element,
      )
    }

    function capture(): void {
      root.replaceChildren()
      showCapture(
        root,
        {
          purpose: 'enrol',
          title,
          before: [
            el(
              'p',
              { class: 'lead' },
              'Look into the camera and follow the words: a few small movements, half a minute at most.',
            ),
            el(
              'p',
              { class: 'note' },
              'The pictures go to the server, which turns the good ones into numbers, keeps those encrypted, and throws all pictures away. You can delete your face at any time.',
            ),
          ],
          action: 'Start the camera',
          beside: [
            button('Use photos instead', 'quiet', upload),
            button(again ? 'Leave it as it is' : 'Not now', 'quiet', home),
          ],
          send,
          done: show,
          ways,
        },
        signal,
      )
    }

    function upload(): void {
      showUpload(root, send, show, { ...ways, photos: undefined }, signal)
      focusHeading(root)
    }

    function show({ accepted, refused, recoveryCodes }: EnrolmentResult): void {
      void api.session()
      const anew = wantsPassword() && password === undefined ? askPassword : capture
      root.replaceChildren(
        accepted > 0
          ? el(
              'section',
              { class: 'result', role: 'status' },
              el('div', { class: 'result-sign' }, icon('check')),
              el('h1', {}, 'Your face is added'),
              el('p', {}, `Made of ${pictures(accepted)}. From now on your face is asked for after your password.`),
              ...reasonsOf(refused),
              el('div', { class: 'row' }, button('Go on', 'primary', home), button('Take it anew', 'quiet', anew)),
            )
          : el(
              'section',
              { class: 'result', role: 'status' },
              el('div', { class: 'problem-sign' }, icon('light')),
              el('h1', {}, 'No picture could be used'),
              el('p', {}, 'Nothing was kept.'),
              ...reasonsOf(refused),
              el(
                'div',
                { class: 'row' },
                button('Try again', 'primary', anew),
                button('Go on without my face', 'quiet', home),
              ),
            ),
      )
      if (recoveryCodes) root.append(recoveryCodesPanel(recoveryCodes))
      focusHeading(root)
    }

    if (wantsPassword()) askPassword()
    else capture()
  },
}

const pictures = (count: number): string => `${count} ${count === 1 ? 'picture' : 'pictures'}`

/** What was wrong with those that were not taken, each thing once. */
function reasonsOf(refused: EnrolmentResult['refused']): HTMLElement[] {
  if (refused.length === 0) return []
  const reasons = new Map(refused.map(({ code, message }) => [code, message]))
  return [
    el('p', {}, `${pictures(refused.length)} could not be used:`),
    el('ul', { class: 'reasons' }, ...[...reasons.values()].map(message => el('li', {}, message))),
  ]
}
