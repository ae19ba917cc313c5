/** Password and then face, or the face alone where the account allows it. */
import { LIMITS } from '../../protocol.ts'
import { api } from '../api.ts'
import { showCapture } from '../capture/capture.ts'
import { button, el } from '../dom.ts'
import { createForm } from '../parts/form.ts'
import { focusHeading, goTo, linkTo, type Page } from '../router.ts'
import { currentSession } from '../session.ts'

export const logIn: Page = {
  title: 'Log in',
  for: 'logged-out',
  show(root, signal) {
    const home = (): void => goTo('')

    function askPassword(): void {
      const form = createForm(
        [
          {
            name: 'email',
            label: 'E-mail',
            type: 'email',
            autocomplete: 'username',
            most: LIMITS.emailLength,
            wrong: 'Enter your e-mail address.',
          },
          {
            name: 'password',
            label: 'Password',
            type: 'password',
            autocomplete: 'current-password',
            most: LIMITS.passwordLength.most,
            wrong: 'Enter your password.',
          },
        ],
        'Log in',
        async ({ value }) => {
          const next = await api.logIn({ email: value('email').trim(), password: value('password') })
          if (next === 'done') home()
          else showFace()
        },
      )
      const alone = button('Use my face alone', 'quiet', () => {
        if (form.check(['email'])) faceAlone(form.value('email').trim())
      })
      root.replaceChildren(
        el('h1', {}, 'Log in'),
        form.element,
        el(
          'section',
          { class: 'other-way', 'aria-labelledby': 'alone-title' },
          el('h2', { id: 'alone-title' }, 'Without your password'),
          el(
            'p',
            {},
            'If you have allowed it in your account: enter your e-mail address above, and look into the camera.',
          ),
          alone,
        ),
        el('p', { class: 'aside' }, 'No account yet? ', el('a', { href: linkTo('sign-up') }, 'Sign up'), '.'),
      )
    }

    /** The password was right. */
    function showFace(): void {
      root.replaceChildren()
      showCapture(
        root,
        {
          purpose: 'log-in',
          title: 'Now your face',
          before: [
            el(
              'p',
              { class: 'lead' },
              'Your password was right. Look into the camera, and do what the words above the picture say.',
            ),
            el(
              'p',
              { class: 'note' },
              'Your pictures go to the server, which compares them with your face and throws them away.',
            ),
          ],
          action: 'Start the camera',
          beside: [
            button('Use a recovery code', 'quiet', askCode),
            button('Use another account', 'quiet', askPassword),
          ],
          send: api.faceLogIn,
          done: home,
          ways: { recovery: askCode },
        },
        signal,
      )
      focusHeading(root)
    }

    /** For whoever has no camera at hand. */
    function askCode(): void {
      const form = createForm(
        [
          {
            name: 'code',
            label: 'Recovery code',
            type: 'text',
            autocomplete: 'one-time-code',
            hint: 'You got some when you added your face. Each works once.',
            most: 40,
            wrong: 'Enter one of your codes.',
          },
        ],
        'Log in',
        async ({ value }) => {
          await api.recover(value('code').trim())
          home()
        },
      )
      root.replaceChildren(
        el('h1', {}, 'Without a camera'),
        el('p', { class: 'lead' }, 'Your password was right. One of your recovery codes takes the place of your face.'),
        form.element,
        el('div', { class: 'row' }, button('Use my face after all', 'quiet', showFace)),
      )
      focusHeading(root)
    }

    function faceAlone(email: string): void {
      root.replaceChildren()
      showCapture(
        root,
        {
          purpose: 'log-in',
          title: 'Log in with your face',
          email,
          atOnce: true,
          before: [el('p', { class: 'lead' }, 'Look into the camera, and do what the words above the picture say.')],
          action: 'Start the camera',
          beside: [button('Use my password', 'quiet', askPassword)],
          send: api.faceLogIn,
          done: home,
          ways: { password: askPassword },
        },
        signal,
      )
    }

    if (currentSession().stage === 'password') showFace()
    else askPassword()
  },
}
