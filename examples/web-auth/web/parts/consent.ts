/** What is agreed to, in plain words. `CONSENT_VERSION` of the protocol changes with them. */
import { el } from '../dom.ts'

const FACTS: readonly (readonly [string, string])[] = [
  [
    'What is kept',
    'Your name, your e-mail address, and a hash of your password. If you add your face: some numbers that tell it from others, encrypted. Pictures are looked at and thrown away. For 90 days, when all of this was used.',
  ],
  [
    'What for',
    'To know that it is you who logs in. Others are told your name by your face only if you allow it. It is used for nothing else and given to nobody.',
  ],
  [
    'How long',
    'Until you delete it. Your face and your account each have a button for that in \u201cAccount\u201d, which works at once.',
  ],
  ['Without your face', 'Everything works with your password alone. You can add your face later, or never.'],
]

export function consentWords(): HTMLElement {
  return el(
    'dl',
    { class: 'consent-words' },
    ...FACTS.map(([name, text]) => el('div', {}, el('dt', {}, name), el('dd', {}, text))),
  )
}
