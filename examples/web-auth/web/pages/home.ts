/** The start page: what this is, for strangers; the ways on, for those who are in. */
import { el, icon } from '../dom.ts'
import { linkTo, type Page, type PageName } from '../router.ts'
import { currentSession } from '../session.ts'

export const home: Page = {
  title: 'Porch',
  show(root) {
    const { stage, account } = currentSession()
    root.append(...(stage === 'full' && account ? welcome(account) : greeting()))
  },
}

function greeting(): HTMLElement[] {
  const facts: readonly (readonly [string, string, string])[] = [
    ['pulse', 'A living face', 'A few movements, others each time. A photo cannot turn its head.'],
    ['lock', 'Numbers, not pictures', 'What is kept of your face is encrypted, and no picture is among it.'],
    ['door', 'Yours to take back', 'Your face, or all of your account, is deleted by one button, at once.'],
  ]
  return [
    el(
      'section',
      { class: 'hero' },
      el(
        'div',
        { class: 'hero-words' },
        el('h1', {}, 'Come in. Your face is the key, if you like.'),
        el(
          'p',
          { class: 'lead' },
          'Log in with your password and a glance. Or never add your face: your password alone will do.',
        ),
        el(
          'div',
          { class: 'row' },
          el('a', { class: 'button primary large', href: linkTo('sign-up') }, 'Sign up'),
          el('a', { class: 'button quiet large', href: linkTo('log-in') }, 'Log in'),
        ),
      ),
      el(
        'div',
        { class: 'hero-door', 'aria-hidden': 'true' },
        el('div', { class: 'arch arch-still' }, el('div', { class: 'pane' }, icon('face'))),
      ),
    ),
    el(
      'ul',
      { class: 'facts' },
      ...facts.map(([sign, title, text]) => el('li', {}, icon(sign), el('h2', {}, title), el('p', {}, text))),
    ),
    el(
      'p',
      { class: 'aside' },
      el('a', { href: linkTo('live') }, 'Look into the mirror first'),
      ': expression, age and pose, read on this device. Nothing is uploaded, and no account is needed.',
    ),
  ]
}

function welcome({ name, hasFace }: { name: string; hasFace: boolean }): HTMLElement[] {
  const cards: readonly (readonly [PageName, string, string, string])[] = [
    ...(hasFace
      ? []
      : [
          [
            'face',
            'face',
            'Add your face',
            'It is asked for after your password then, which alone opens nothing any more. It can wait, for ever if you like.',
          ] as const,
        ]),
    ['who', 'person', 'Who is this?', 'Somebody before the camera: a name, if they let themselves be found.'],
    ['live', 'pulse', 'Live', 'Expression, age and pose, read on this device.'],
    ['account', 'lock', 'Account', 'What is kept, when your face was used, and the buttons to change it.'],
  ]
  return [
    el('h1', {}, `Good to see you, ${name}`),
    el('p', { class: 'lead' }, hasFace ? 'You are in.' : 'You are in, by your password alone.'),
    el(
      'ul',
      { class: 'cards' },
      ...cards.map(([page, sign, title, text]) =>
        el('li', {}, icon(sign), el('h2', {}, el('a', { href: linkTo(page) }, title)), el('p', {}, text)),
      ),
    ),
  ]
}
