/** Name, e-mail, password and agreement; the face comes on the next page, or never. */
import { CONSENT_VERSION, LIMITS } from '../../protocol.ts'
import { api } from '../api.ts'
import { el } from '../dom.ts'
import { consentWords } from '../parts/consent.ts'
import { createForm } from '../parts/form.ts'
import { goTo, linkTo, type Page } from '../router.ts'

export const signUp: Page = {
  title: 'Sign up',
  for: 'logged-out',
  show(root) {
    const { least, most } = LIMITS.passwordLength
    const agree = el('input', { type: 'checkbox', id: 'agree', required: true, 'aria-describedby': 'agree-error' })
    const agreeError = el(
      'p',
      { class: 'field-error', id: 'agree-error', hidden: true },
      'Without your agreement nothing can be kept, not even a name.',
    )
    agree.addEventListener('change', () => {
      agreeError.hidden = agree.checked
    })
    const form = createForm(
      [
        {
          name: 'name',
          label: 'Your name',
          type: 'text',
          autocomplete: 'name',
          most: LIMITS.nameLength,
          wrong: 'Enter a name.',
        },
        {
          name: 'email',
          label: 'E-mail',
          type: 'email',
          autocomplete: 'email',
          most: LIMITS.emailLength,
          wrong: 'Enter an e-mail address, such as ada@example.org.',
        },
        {
          name: 'password',
          label: 'Password',
          type: 'password',
          autocomplete: 'new-password',
          hint: `${least} characters or more; a few words are good. Nothing else is asked of it.`,
          least,
          most,
          wrong: `Choose a password of ${least} characters or more.`,
        },
      ],
      'Sign up',
      async ({ value }) => {
        if (!agree.checked) {
          agreeError.hidden = false
          agree.focus()
          return
        }
        await api.signUp({
          name: value('name').trim(),
          email: value('email').trim(),
          password: value('password'),
          consent: CONSENT_VERSION,
        })
        goTo('face')
      },
      [
        el(
          'section',
          { class: 'consent', 'aria-labelledby': 'consent-title' },
          el('h2', { id: 'consent-title' }, 'What you agree to'),
          consentWords(),
          el('div', { class: 'check' }, agree, el('label', { for: 'agree' }, 'I agree to this.')),
          agreeError,
        ),
      ],
    )
    root.append(
      el('h1', {}, 'Sign up'),
      el('p', { class: 'lead' }, 'Your face comes after this, and only if you want.'),
      form.element,
      el('p', { class: 'aside' }, 'You have an account? ', el('a', { href: linkTo('log-in') }, 'Log in'), '.'),
    )
  },
}
