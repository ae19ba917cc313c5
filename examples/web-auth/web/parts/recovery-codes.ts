/** Codes for the day without a camera. The server shows them once. */
import { button, el, icon } from '../dom.ts'
import { saveFile } from './save.ts'

export function recoveryCodesPanel(codes: readonly string[]): HTMLElement {
  const save = (): void => {
    const text = ['Recovery codes for Porch. Each opens your account once, after your password.', '', ...codes, '']
    saveFile(new Blob([text.join('\n')], { type: 'text/plain' }), 'porch-recovery-codes.txt')
  }
  return el(
    'section',
    { class: 'panel codes', 'aria-labelledby': 'codes-title' },
    el('h2', { id: 'codes-title' }, 'For a day without a camera'),
    el(
      'p',
      {},
      icon('lock', 'small'),
      ' Each of these codes takes the place of your face once, after your password. They are shown now and never again.',
    ),
    el('ul', { class: 'code-list' }, ...codes.map(code => el('li', {}, el('code', {}, code)))),
    el('div', { class: 'row' }, button('Save the codes', '', save)),
  )
}
